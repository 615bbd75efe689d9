"""The layers of a pipeline as loaded, to undo what adapters replace: a control LoRA swaps some for wider ones.

diffusers restores them only on request, finds them by the last part of their name alone, and remembers only those
of one adapter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CHANNELS = "in_channels"  # a transformer's configuration, which diffusers rewrites together with the first layer
_NORMS = "_transformer_norm_layers"  # where diffusers keeps the norm layers that an adapter has replaced


@dataclass(frozen=True, slots=True)
class _Layer:
    """A module with its own weights, and their shapes by name."""

    part: str
    name: str
    module: Any
    shapes: dict[str, tuple[int, ...]]


class LayerSnapshot:
    """The layers of a pipeline before any adapter. Holds references, not copies."""

    def __init__(self, pipeline: Any) -> None:
        parts: dict[str, Any] = pipeline.components
        self._parts = {name: part for name, part in parts.items() if hasattr(part, "named_modules")}
        self._layers = [layer for name, part in self._parts.items() for layer in _layers(name, part)]
        self._channels = {name: _channels(part) for name, part in self._parts.items()}

    def changed(self) -> str | None:
        """The first part whose layers changed since loading; None if there is none.

        Compares shapes, not values: an attached adapter that keeps the shapes is not a change.
        """
        for name, part in self._parts.items():
            if _channels(part) != self._channels[name] or getattr(part, _NORMS, None):
                return name
        return next((layer.part for layer in self._layers if self._shapes_now(layer) != layer.shapes), None)

    def restore(self) -> None:
        """Restore the layers that were replaced by layers of other shapes. Adapters must be detached."""
        for layer in self._layers:
            if layer.name and self._shapes_now(layer) != layer.shapes:
                parent, _, leaf = layer.name.rpartition(".")
                setattr(self._parts[layer.part].get_submodule(parent), leaf, layer.module)
        for name, channels in self._channels.items():
            if _channels(self._parts[name]) != channels:
                setattr(self._parts[name].config, _CHANNELS, channels)

    def _shapes_now(self, layer: _Layer) -> dict[str, tuple[int, ...]] | None:
        """None if the layer no longer exists."""
        try:
            module = self._parts[layer.part].get_submodule(layer.name)
            return {name: tuple(getattr(module, name).shape) for name in layer.shapes}  # also through an adapter
        except AttributeError:
            return None


def _layers(part: str, network: Any) -> Iterator[_Layer]:
    for name, module in network.named_modules():
        if shapes := {key: tuple(weight.shape) for key, weight in module.named_parameters(recurse=False)}:
            yield _Layer(part, name, module, shapes)


def _channels(part: Any) -> Any:
    return getattr(getattr(part, "config", None), _CHANNELS, None)
