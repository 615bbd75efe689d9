"""Rendering: the Backend protocol, and the diffusers backend behind it."""

from service.generation.backend import Backend, Job, ModelIdentity, OnStep

__all__ = ["Backend", "Job", "ModelIdentity", "OnStep"]
