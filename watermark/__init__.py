"""The pixel watermark: payload, codec and keyring."""

from watermark.codec import Codec, Reading
from watermark.keyring import Keyring

__all__ = ["Codec", "Keyring", "Reading"]
