"""Image generation: the Backend protocol, the queue in front of it, and the backends."""

from service.generation.backend import Backend, Batching, Job, ModelIdentity, OnStep, References
from service.generation.canvas import Canvas
from service.generation.energy import Energy
from service.generation.model_options import ModelOptions
from service.generation.progress import Progress

__all__ = [
    "Backend",
    "Batching",
    "Canvas",
    "Energy",
    "Job",
    "ModelIdentity",
    "ModelOptions",
    "OnStep",
    "Progress",
    "References",
]
