"""The pixel watermark: payload, codec and keyring."""

from watermark.codec import Codec
from watermark.keyring import Keyring
from watermark.reader import Reading

__all__ = ["Codec", "Keyring", "Reading"]
