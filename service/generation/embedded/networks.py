"""The networks of the embedded model in ONNX Runtime.

The folder holds a graph without weights for each (`models.training.image_model.graph`), and the weights that diffusers
reads too. That a graph computes the same as torch was proven when it was written; the card's digests of graph and
weights say that these are the same files.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import Card, ModelFault
from models.safetensors import read_tensors
from models.sessions import InMemorySession

Floats = NDArray[np.float32]
OnLoading = Callable[[int, int, str], None]

TEXT_ENCODER, DENOISER, AUTOENCODER = "text_encoder", "unet", "vae"
WEIGHTS = {
    TEXT_ENCODER: "text_encoder/model.safetensors",
    DENOISER: "unet/diffusion_pytorch_model.safetensors",
    AUTOENCODER: "vae/diffusion_pytorch_model.safetensors",
}
GRAPHS = {
    TEXT_ENCODER: ("text_encoder/graph.onnx",),
    DENOISER: ("unet/graph.onnx",),
    AUTOENCODER: ("vae/encoder.onnx", "vae/decoder.onnx"),
}
_MAX_LOG_VARIANCE, _MIN_LOG_VARIANCE = 20, -30  # as in diffusers' DiagonalGaussianDistribution


@dataclass(frozen=True, slots=True)
class Networks:
    """B images, T tokens, states of width D, latents of C channels, S x S. All arrays are float32 unless said."""

    _text: InMemorySession
    _denoiser: InMemorySession
    _encoder: InMemorySession
    _decoder: InMemorySession
    _latent_scale: np.float32

    @property
    def tokens(self) -> int:
        """T."""
        return int(self._text.shapes["tokens"][1])

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(C, S, S)."""
        channels, rows, columns = (int(side) for side in self._denoiser.shapes["sample"][1:])
        return channels, rows, columns

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = (int(side) for side in self._encoder.shapes["pixels"][2:])
        return width, height

    def read(self, tokens: NDArray[np.int64]) -> Floats:
        """Token ids (int64, B x T) to text states (B x T x D)."""
        return _finite(self._text.run(tokens=tokens))

    def predict(self, sample: Floats, timestep: int, states: Floats) -> Floats:
        """The denoiser's prediction for latents (B x C x S x S) at a timestep, given text states."""
        return self._denoiser.run(sample=sample, timestep=np.asarray(timestep, np.float32), states=states)

    def encode(self, rgb: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the latents (1 x C x S x S) of an image (uint8, H x W x 3)."""
        pixels = np.ascontiguousarray(rgb.astype(np.float32).transpose(2, 0, 1)[None]) / np.float32(255) * 2 - 1
        mean, log_variance = np.split(_finite(self._encoder.run(pixels=pixels)), 2, axis=1)
        deviation = np.exp(np.clip(log_variance, _MIN_LOG_VARIANCE, _MAX_LOG_VARIANCE) / 2)
        return mean * self._latent_scale, deviation * self._latent_scale

    def decode(self, latents: Floats) -> list[NDArray[np.uint8]]:
        """Images (uint8, H x W x 3) of latents. Raises ModelFault if they are not finite."""
        pixels = _finite(self._decoder.run(latents=latents / self._latent_scale))
        shown = np.round(np.clip(pixels / 2 + np.float32(0.5), 0, 1) * 255).astype(np.uint8)
        return list(np.ascontiguousarray(shown.transpose(0, 2, 3, 1)))


def load_networks(card: Card, threads: int, on_loading: OnLoading) -> Networks:
    """Load the networks of a card, each from the very bytes whose digest was verified.

    Raises:
        ModelMissing, DigestMismatch: as `Card.read`.
        ModelFault: a file is not what its name says.
    """
    sessions: list[InMemorySession] = []
    for loaded, (part, graphs) in enumerate(GRAPHS.items()):
        on_loading(loaded, len(GRAPHS), part)
        weights = _weights(card, WEIGHTS[part])
        sessions += [_session(card, graph, weights, threads) for graph in graphs]
    autoencoder: Mapping[str, Any] = json.loads(card.read("vae/config.json"))
    if autoencoder.get("shift_factor") is not None:
        raise ModelFault(f"{card.identity}: latents with a shift are not supported")
    text, denoiser, encoder, decoder = sessions
    return Networks(text, denoiser, encoder, decoder, np.float32(autoencoder["scaling_factor"]))


def _weights(card: Card, file: str) -> dict[str, Floats]:
    try:
        return read_tensors(card.read(file))
    except ValueError as broken:
        raise ModelFault(f"{card.identity}: {file}: {broken}") from broken


def _session(card: Card, graph: str, weights: Mapping[str, Floats], threads: int) -> InMemorySession:
    try:
        return InMemorySession(card.read(graph), threads=threads, weights=weights)
    except ModelFault as broken:
        raise ModelFault(f"{card.identity}: {graph}: {broken}") from broken


def _finite(values: Floats) -> Floats:
    if not np.isfinite(values).all():
        raise ModelFault("the embedded model returned values that are not finite")
    return values
