"""Parts of the embedded model through ONNX Runtime, which needs less of a processor than torch does
(docs/generation.md).

The model's folder brings each part's graph, without weights; it gets those that torch has loaded. Adapters and
reference pictures change torch's own layers, which this does not see: what asks for them is left to torch.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from models import ModelFault
from models.graphs import filled
from models.sessions import InMemorySession

_WORST_DIFFERENCE = 1e-3  # rounding gives about 1e-5 where results are about 1; another network's are nowhere near


class OnnxPart(ABC):
    """What one network of a pipeline (float32, on the processor) computes. Used under the backend's lock."""

    file: ClassVar[str]
    """Its graph in the model's folder, as `models.training.image_model.graph` writes it."""
    _name: ClassVar[str]  # with which the names of its weights begin there
    _inputs: ClassVar[frozenset[str]]

    def __init__(self, network: Any, graph: bytes, threads: int) -> None:
        """Raises ModelFault where `graph` is none, or none of this network's: it does not give what torch gives."""
        self._network = network
        weights = {f"{self._name}.{name}": tensor.numpy() for name, tensor in network.state_dict().items()}
        try:
            self._program = InMemorySession(filled(graph, weights), threads=threads)
        except (ValueError, ModelFault) as broken:
            raise ModelFault(f"{self.file}: {broken}") from broken
        if (inputs := set(self._program.shapes)) != self._inputs:
            raise ModelFault(
                f"{self.file} has inputs {', '.join(sorted(inputs))}, not {', '.join(sorted(self._inputs))}"
            )
        self._prove()

    @contextlib.contextmanager
    def instead(self) -> Iterator[None]:
        """Inside the block the network is asked here, and not in torch."""
        self._network.forward = self._forward
        try:
            yield
        finally:
            del self._network.forward  # the class's own again

    @abstractmethod
    def _forward(self, *given: Any, **rest: Any) -> Any:
        """As the network's own."""

    @abstractmethod
    def _trial(self, noise: Any) -> tuple[Any, ...]:
        """What both are asked with for proof: for another number and time than the exporter saw, so that a graph in
        which it froze either is found. `noise` is a torch.Generator."""

    def _run(self, rest: dict[str, Any], **given: Any) -> Any:
        import torch  # noqa: PLC0415 - see service.generation.diffusers.loading

        if unknown := [name for name, value in rest.items() if value is not None and name != "return_dict"]:
            raise ModelFault(f"{self.file} has no input for {', '.join(unknown)}")
        plain = {name: np.asarray(value, np.float32, order="C") for name, value in given.items()}
        return torch.from_numpy(self._program.run(**plain))

    def _prove(self) -> None:
        import torch  # noqa: PLC0415

        try:
            given = self._trial(torch.Generator("cpu").manual_seed(0))
            with torch.inference_mode():
                expected, found = (_tensor(ask(*given)).numpy() for ask in (self._network, self._forward))
        except (RuntimeError, TypeError) as unfit:  # torch's, of what the graph says that its inputs are
            raise ModelFault(f"{self.file} is for other shapes: {unfit}") from unfit
        if found.shape != expected.shape or not np.abs(found - expected).max() <= _WORST_DIFFERENCE:
            raise ModelFault(
                f"{self.file} is not the graph of these weights: write it again, or take it out of the folder and its "
                "card"
            )


class Denoiser(OnnxPart):
    """A UNet2DConditionModel: (B, C, S, S) float32 for samples of that shape, a time and states (B, T, D)."""

    file = "unet/graph.onnx"
    _name = "unet"
    _inputs = frozenset({"sample", "timestep", "states"})

    def _forward(self, sample: Any, timestep: Any, encoder_hidden_states: Any, **rest: Any) -> tuple[Any]:
        """As with return_dict=False."""
        return (self._run(rest, sample=sample, timestep=timestep, states=encoder_hidden_states),)

    def _trial(self, noise: Any) -> tuple[Any, ...]:
        import torch  # noqa: PLC0415

        config = self._network.config
        tokens: Any = self._program.shapes["states"][1]  # of a graph for any size a name, which torch refuses
        sample = torch.randn((3, config.in_channels, config.sample_size, config.sample_size), generator=noise)
        return sample, 321, torch.randn((3, tokens, config.cross_attention_dim), generator=noise)


class Decoder(OnnxPart):
    """The decoder of an AutoencoderKL: pictures (B, 3, H, W) float32 of latents (B, C, S, S)."""

    file = "vae/graph.onnx"
    _name = "decoder"
    _inputs = frozenset({"latents"})

    def _forward(self, sample: Any, **rest: Any) -> Any:
        return self._run(rest, latents=sample)

    def _trial(self, noise: Any) -> tuple[Any, ...]:
        import torch  # noqa: PLC0415

        shape: tuple[Any, ...] = self._program.shapes["latents"]
        return (torch.randn((1, *shape[1:]), generator=noise),)


def _tensor(found: Any) -> Any:
    """The result alone, of a network that gives it in a tuple or in diffusers' own object."""
    return found if hasattr(found, "numpy") else found[0]
