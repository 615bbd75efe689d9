"""The pixel watermark: payload, codec and keyring.

Loaded when first asked for: `watermark.c2pa` also runs in processes that have no use for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watermark.tile.codec import Codec
    from watermark.tile.keyring import Keyring
    from watermark.tile.reader import Reading

__all__ = ["Codec", "Keyring", "Reading"]

_MODULES = {"Codec": "watermark.tile.codec", "Keyring": "watermark.tile.keyring", "Reading": "watermark.tile.reader"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(_MODULES[name]), name)
