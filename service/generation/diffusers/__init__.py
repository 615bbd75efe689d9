"""Diffusers pipelines (Stable Diffusion, FLUX and others): the only package of the service that imports torch."""
