"""Rendering: the Backend protocol, and the diffusers backend behind it."""

from service.generation.backend import Backend, Batching, Job, ModelIdentity, OnStep, References, Upscale
from service.generation.canvas import Canvas
from service.generation.energy import Energy
from service.generation.progress import Progress

__all__ = [
    "Backend",
    "Batching",
    "Canvas",
    "Energy",
    "Job",
    "ModelIdentity",
    "OnStep",
    "Progress",
    "References",
    "Upscale",
]
