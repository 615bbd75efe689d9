"""Rendering: the Backend protocol, and the diffusers backend behind it."""

from service.generation.backend import Backend, Job, ModelIdentity, OnStep
from service.generation.canvas import Canvas

__all__ = ["Backend", "Canvas", "Job", "ModelIdentity", "OnStep"]
