"""The pixel watermark: payload, codec and keyring."""

from watermark.tile.codec import Codec
from watermark.tile.keyring import Keyring
from watermark.tile.reader import Reading

__all__ = ["Codec", "Keyring", "Reading"]
