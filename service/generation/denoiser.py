"""The embedded model's UNet through ONNX Runtime, which needs less of a processor than torch does
(docs/generation.md).

The model's folder brings the UNet's graph, without weights; it gets those that torch has loaded. Adapters and
reference pictures change torch's own layers, which this does not see: what asks for them is left to torch.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from models import ModelFault
from models.graphs import filled
from models.sessions import Program

GRAPH = "unet/graph.onnx"
_INPUTS = {"sample", "timestep", "states"}
_WORST_DIFFERENCE = 1e-3  # rounding gives about 1e-5 where predictions are about 1; another network's are nowhere near


class Denoiser:
    """What one UNet (float32, on the processor) predicts. Used under the backend's lock."""

    def __init__(self, unet: Any, graph: bytes, threads: int) -> None:
        """`graph`: as `models.training.image_model.graph` writes it.

        Raises ModelFault where it is no graph, or none of this UNet's: it does not predict what torch predicts.
        """
        self._unet = unet
        weights = {f"unet.{name}": tensor.numpy() for name, tensor in unet.state_dict().items()}
        try:
            self._program = Program(filled(graph, weights), threads=threads)
        except ValueError as broken:
            raise ModelFault(f"{GRAPH}: {broken}") from broken
        self._prove()

    @contextlib.contextmanager
    def instead(self) -> Iterator[None]:
        """Inside the block the UNet is asked here, and not in torch."""
        self._unet.forward = self._forward
        try:
            yield
        finally:
            del self._unet.forward  # the class's own again

    def _forward(self, sample: Any, timestep: Any, encoder_hidden_states: Any, **rest: Any) -> tuple[Any]:
        """As UNet2DConditionModel with return_dict=False: (B, C, S, S) float32, of states (B, T, D)."""
        import torch  # noqa: PLC0415 - see service.generation.loading

        if unknown := [name for name, value in rest.items() if value is not None and name != "return_dict"]:
            raise ModelFault(f"{GRAPH} has no input for {', '.join(unknown)}")
        given = {"sample": sample, "timestep": timestep, "states": encoder_hidden_states}
        found = self._program.run(**{name: np.asarray(v, np.float32, order="C") for name, v in given.items()})
        return (torch.from_numpy(found),)

    def _prove(self) -> None:
        """Predictions for noise are the same here and by torch: for another number and time than the exporter saw, so
        that a graph in which it froze either is found."""
        import torch  # noqa: PLC0415

        shapes = self._program.shapes
        if set(shapes) != _INPUTS:
            raise ModelFault(f"{GRAPH} has inputs {', '.join(sorted(shapes))}, not {', '.join(sorted(_INPUTS))}")
        config = self._unet.config
        noise = torch.Generator("cpu").manual_seed(0)
        sample = torch.randn((3, config.in_channels, config.sample_size, config.sample_size), generator=noise)
        states = torch.randn((3, shapes["states"][1], config.cross_attention_dim), generator=noise)
        with torch.inference_mode():
            expected = self._unet(sample, 321, states, return_dict=False)[0].numpy()
        found = self._forward(sample, 321, states)[0].numpy()
        if found.shape != expected.shape or not np.abs(found - expected).max() <= _WORST_DIFFERENCE:
            raise ModelFault(
                f"{GRAPH} is not the graph of these weights: write it again, or take it out of the folder and its card"
            )
