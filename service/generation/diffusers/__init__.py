"""Stable Diffusion and its relatives through diffusers: the only code here that imports torch."""
