"""The pixel watermark: put a mark id into an image, and find it again after the image was changed.

Method: one keyed 64 x 64 tile of luma noise, repeated four times over the short side (two and a half times over that
of a small image); a quarter of its frequencies are a template that locates it, the others a convolutionally coded
payload with a keyed check. The tile is one of a pool, chosen by the id; older key epochs are read, not written.

False readings: `extract` decodes at most `MAX_ATTEMPTS` grids per image, over all keys and epochs. A decoded word
passes the 32-bit check by chance once in 2**32 times, and its four version bits are then right once in 2**4: the signs
of the symbols are keyed, so what noise decodes to is even over all words. An unmarked image, or one of another keyring,
is read as marked with a probability of at most 64 / 2**36, under 1e-9.

What it does not do: no pixel mark survives regeneration by a diffusion model, and one who holds many images marked
under one key can estimate and subtract it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.errors import BadImage, TooSmall
from watermark.tile import payload, trellis
from watermark.tile.canvas import SHORT_SIDE, hushed, luma, scaled
from watermark.tile.embedding import imprint
from watermark.tile.keyring import Keyring
from watermark.tile.reader import MAX_ATTEMPTS, EpochReader, Reading, View
from watermark.tile.spectrum import FineSpectrum

MIN_EMBED_SIDE: Final = 128
"""Short side, in pixels, from which every measured picture came back from unchanged copies, JPEG 75, WebP 80 and crops
to three quarters; no longer from halving. docs/watermark.md says where every target holds: from 512."""
MIN_EXTRACT_SIDE: Final = 48
"""Short side, in pixels, below which the band of the mark lies beyond what the pixels can hold."""
MAX_ASPECT: Final = 2
"""Longest side over shortest that extraction looks at; the middle of longer images is enough and bounds its time."""


class Codec:
    """Embeds and extracts marks of one keyring; immutable, safe to share between threads."""

    ALGORITHM: Final = "org.countermark.tile.1"
    """Name of this soft-binding algorithm."""
    VERSION: Final = payload.VERSION

    def __init__(self, keyring: Keyring) -> None:
        share = MAX_ATTEMPTS // len(keyring.epochs)
        self._readers = [EpochReader(epoch, number, share) for number, epoch in enumerate(keyring.epochs)]

    def embed(self, rgb: NDArray[np.uint8], mark_id: int) -> NDArray[np.uint8]:
        """`rgb` (uint8[H, W, 3]) marked with `mark_id` (in [0, 2**48)): a new array of the same shape.

        The same image, id and keyring always give the same pixels.

        Raises:
            BadImage: not uint8[H, W, 3].
            TooSmall: the short side is under `MIN_EMBED_SIDE` pixels.
            BadMarkId: the id is out of range.
            Unmarkable: the mark would not be read back: strong noise, or a regular pattern with the tile's own pitch.
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EMBED_SIDE:
            raise TooSmall(
                f"An image of {rgb.shape[1]} x {rgb.shape[0]} pixels is too small to mark; "
                f"its short side must be at least {MIN_EMBED_SIDE} pixels."
            )
        newest = self._readers[0]
        code_word = trellis.encode(payload.seal(mark_id, newest.epoch.check))
        chosen = newest.epoch.choose(mark_id)
        patterns = [*newest.patterns[chosen:], *newest.patterns[:chosen]]
        return imprint(rgb, code_word, patterns, lambda marked: self._finds(mark_id, marked))

    def extract(self, rgb: NDArray[np.uint8]) -> Reading | None:
        """The mark of this keyring in `rgb` (uint8[H, W, 3], any size), or None when there is none.

        Raises:
            BadImage: not uint8[H, W, 3].
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EXTRACT_SIDE:
            return None
        view = _view(rgb)
        for reader in self._readers:
            if (reading := reader.as_issued(view)) is not None:
                return reading
        spectrum = FineSpectrum(hushed(view.canvas), view.pitch)
        for reader in self._readers:
            if (reading := reader.anyhow(view, spectrum)) is not None:
                return reading
        return None

    def _finds(self, mark_id: int, rgb: NDArray[np.uint8]) -> bool:
        """Whether `rgb` is read as marked with this very id."""
        reading = self.extract(rgb)
        return reading is not None and reading.mark_id == mark_id


def _require_rgb(rgb: NDArray[np.uint8]) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        found = f"{rgb.dtype}{list(rgb.shape)}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise BadImage(f"Expected an RGB image as uint8[H, W, 3], got {found}; convert it first.")


def _view(rgb: NDArray[np.uint8]) -> View:
    """Luma of the middle of `rgb`, short side at most the canonical one, long side at most `MAX_ASPECT` times it."""
    limit = MAX_ASPECT * min(rgb.shape[:2])
    top, left = (max(0, side - limit) // 2 for side in rgb.shape[:2])
    middle = rgb[top : top + limit, left : left + limit]
    grey = luma(np.ascontiguousarray(middle))
    canvas = scaled(grey, min(1.0, SHORT_SIDE / min(grey.shape)))
    return View(canvas, (rgb.shape[0], rgb.shape[1]), (middle.shape[0], middle.shape[1]))
