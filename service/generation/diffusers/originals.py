"""The layers of a pipeline as they were loaded: an adapter for control pictures replaces some by wider ones.

diffusers puts them back only if it is told to, finds them by the last part of their name alone, and keeps no more
than one adapter's worth of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CHANNELS = "in_channels"  # what a transformer's configuration says of its first layer, and is rewritten with it
_NORMS = "_transformer_norm_layers"  # where diffusers keeps the norm layers that an adapter brought its own of


@dataclass(frozen=True, slots=True)
class _Layer:
    """A module with weights of its own. `shapes`: of each of them, by name."""

    part: str
    name: str
    module: Any
    shapes: dict[str, tuple[int, ...]]


class Originals:
    """What a pipeline was made of before any adapter. Keeps references, no copies."""

    def __init__(self, pipeline: Any) -> None:
        parts: dict[str, Any] = pipeline.components
        self._parts = {name: part for name, part in parts.items() if hasattr(part, "named_modules")}
        self._layers = [layer for name, part in self._parts.items() for layer in _layers(name, part)]
        self._channels = {name: _channels(part) for name, part in self._parts.items()}

    def changed(self) -> str | None:
        """The first part whose layers are others than when it was loaded; None where all are the same.

        Shapes are compared, not numbers: an adapter that is on and leaves the shapes is no change.
        """
        for name, part in self._parts.items():
            if _channels(part) != self._channels[name] or getattr(part, _NORMS, None):
                return name
        return next((layer.part for layer in self._layers if self._shapes_now(layer) != layer.shapes), None)

    def put_back(self) -> None:
        """The layers that were replaced by ones of other shapes. Adapters must be off."""
        for layer in self._layers:
            if layer.name and self._shapes_now(layer) != layer.shapes:
                parent, _, leaf = layer.name.rpartition(".")
                setattr(self._parts[layer.part].get_submodule(parent), leaf, layer.module)
        for name, channels in self._channels.items():
            if _channels(self._parts[name]) != channels:
                setattr(self._parts[name].config, _CHANNELS, channels)

    def _shapes_now(self, layer: _Layer) -> dict[str, tuple[int, ...]] | None:
        """None where it is not there."""
        try:
            module = self._parts[layer.part].get_submodule(layer.name)
            return {name: tuple(getattr(module, name).shape) for name in layer.shapes}  # also through an adapter
        except AttributeError:
            return None


def _layers(part: str, whole: Any) -> Iterator[_Layer]:
    for name, module in whole.named_modules():
        if shapes := {key: tuple(weight.shape) for key, weight in module.named_parameters(recurse=False)}:
            yield _Layer(part, name, module, shapes)


def _channels(part: Any) -> Any:
    return getattr(getattr(part, "config", None), _CHANNELS, None)
