"""Parts of the embedded model through ONNX Runtime, which is faster on a CPU than torch (docs/generation.md).

The model's folder contains the graph of each part without weights; the weights are those torch has loaded. Adapters
and reference images change torch's layers only, so jobs with them run in torch.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from models import ModelFault
from models.graphs import with_weights
from models.sessions import InMemorySession

_MAX_DIFFERENCE = 1e-3  # rounding gives about 1e-5 for results of about 1; another network is nowhere near


class OnnxPart(ABC):
    """One network of a pipeline (float32, CPU) in ONNX Runtime. Used under the backend's lock."""

    file: ClassVar[str]
    """Path of the graph in the model's folder, written by `models.training.image_model.graph`."""
    _name: ClassVar[str]  # prefix of its weight names in the graph
    _inputs: ClassVar[frozenset[str]]

    def __init__(self, network: Any, graph: bytes, threads: int) -> None:
        """Raises ModelFault unless `graph` is a valid ONNX graph whose results equal those of `network` in torch."""
        self._network = network
        weights = {f"{self._name}.{name}": tensor.numpy() for name, tensor in network.state_dict().items()}
        try:
            self._session = InMemorySession(with_weights(graph, weights), threads=threads)
        except (ValueError, ModelFault) as broken:
            raise ModelFault(f"{self.file}: {broken}") from broken
        if (inputs := set(self._session.shapes)) != self._inputs:
            raise ModelFault(
                f"{self.file} has inputs {', '.join(sorted(inputs))}, not {', '.join(sorted(self._inputs))}"
            )
        self._compare_with_torch()

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Run the network in ONNX Runtime instead of torch inside the block."""
        self._network.forward = self._forward
        try:
            yield
        finally:
            del self._network.forward  # the class's own again

    @abstractmethod
    def _forward(self, *given: Any, **rest: Any) -> Any:
        """Replaces the network's `forward`."""

    @abstractmethod
    def _sample_inputs(self, noise: Any) -> tuple[Any, ...]:
        """Inputs for the comparison, with another batch size and timestep than the exporter used, so that a graph in
        which either was frozen is found. `noise`: a torch.Generator."""

    def _run(self, rest: dict[str, Any], **given: Any) -> Any:
        import torch  # noqa: PLC0415 - see service.generation.diffusers.loading

        if unknown := [name for name, value in rest.items() if value is not None and name != "return_dict"]:
            raise ModelFault(f"{self.file} has no input for {', '.join(unknown)}")
        plain = {name: np.asarray(value, np.float32, order="C") for name, value in given.items()}
        return torch.from_numpy(self._session.run(**plain))

    def _compare_with_torch(self) -> None:
        import torch  # noqa: PLC0415

        try:
            given = self._sample_inputs(torch.Generator("cpu").manual_seed(0))
            with torch.inference_mode():
                expected, found = (_tensor(run(*given)).numpy() for run in (self._network, self._forward))
        except (RuntimeError, TypeError) as unfit:  # from torch, given the graph's input shapes
            raise ModelFault(f"{self.file} is for other shapes: {unfit}") from unfit
        if found.shape != expected.shape or not np.abs(found - expected).max() <= _MAX_DIFFERENCE:
            raise ModelFault(
                f"{self.file} is not the graph of these weights: export it again, or remove it from the folder and "
                "the card"
            )


class Denoiser(OnnxPart):
    """A UNet2DConditionModel: samples (B, C, S, S), a timestep and text states (B, T, D), all float32."""

    file = "unet/graph.onnx"
    _name = "unet"
    _inputs = frozenset({"sample", "timestep", "states"})

    def _forward(self, sample: Any, timestep: Any, encoder_hidden_states: Any, **rest: Any) -> tuple[Any]:
        """As the network's with return_dict=False."""
        return (self._run(rest, sample=sample, timestep=timestep, states=encoder_hidden_states),)

    def _sample_inputs(self, noise: Any) -> tuple[Any, ...]:
        import torch  # noqa: PLC0415

        config = self._network.config
        tokens: Any = self._session.shapes["states"][1]  # a dynamic graph has a name here, which torch rejects
        sample = torch.randn((3, config.in_channels, config.sample_size, config.sample_size), generator=noise)
        return sample, 321, torch.randn((3, tokens, config.cross_attention_dim), generator=noise)


class Decoder(OnnxPart):
    """The decoder of an AutoencoderKL: latents (B, C, S, S) to images (B, 3, H, W), float32."""

    file = "vae/graph.onnx"
    _name = "decoder"
    _inputs = frozenset({"latents"})

    def _forward(self, sample: Any, **rest: Any) -> Any:
        return self._run(rest, latents=sample)

    def _sample_inputs(self, noise: Any) -> tuple[Any, ...]:
        import torch  # noqa: PLC0415

        shape: tuple[Any, ...] = self._session.shapes["latents"]
        return (torch.randn((1, *shape[1:]), generator=noise),)


def _tensor(found: Any) -> Any:
    """The result of a network that may return a tensor, a tuple, or diffusers' output object."""
    return found if hasattr(found, "numpy") else found[0]
