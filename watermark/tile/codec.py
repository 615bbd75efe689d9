"""The pixel watermark: embed a mark id in an image, and extract it again after the image was changed.

Method: keyed luma noise in tiles of 64 x 64 samples, four over the short side (two and a half over that of small
images). A quarter of a tile's frequencies are a template that repeats and locates the tiles; the others carry a
convolutionally coded payload with a keyed check. The keys are a pool, chosen by the id. Older key epochs are read but
not written.

Formats: in `org.countermark.tile.1` the message repeats with the tile, so it can be estimated from one image. In
`org.countermark.tile.2` every tile has the message under phases of its own, with signs that depend on the content. New
marks are of format two; both are read.

False positives: `extract` decodes at most `MAX_ATTEMPTS` candidates per image, over all keys, epochs and formats. A
decoded word passes the 32-bit check by chance once in 2**32 times, and then has the right four version bits once in
2**4: the signs of the symbols are keyed, so noise decodes uniformly to all words. An unmarked image, or one of another
keyring, is read as marked with a probability of at most 64 / 2**36, under 1e-9.

Limits: no pixel mark survives regeneration by a diffusion model, and whoever holds many images marked under one key
can estimate the template and subtract it.
"""

from functools import partial
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.errors import BadImage, TooSmall
from watermark.tile import payload, trellis
from watermark.tile.candidates import View
from watermark.tile.canvas import SHORT_SIDE, luma, scaled
from watermark.tile.carriers import Over, PositionedTiles, RepeatedTile
from watermark.tile.embedding import imprint
from watermark.tile.keyring import Keyring
from watermark.tile.margins import Box, without_margins
from watermark.tile.reader import MAX_ATTEMPTS, EpochReader, Reading
from watermark.tile.spectrum import FineSpectrum

MIN_EMBED_SIDE: Final = 128
"""Smallest short side, in pixels, that can be marked. Every image measured at this size survived unchanged copies, JPEG
75, WebP 80 and crops to three quarters, but not halving. From 512 all targets hold (docs/watermark.md)."""
MIN_EXTRACT_SIDE: Final = 48
"""Smallest short side, in pixels, whose pixels can represent the frequency band of the mark."""
MAX_ASPECT: Final = 2
"""Largest aspect ratio that extraction considers; longer images are centre-cropped, which bounds the time."""


class Codec:
    """Embeds and extracts the marks of one keyring. Immutable and thread-safe."""

    ALGORITHM: Final = "org.countermark.tile.2"
    """Name of the soft-binding algorithm of new marks."""
    ALGORITHMS: Final = {payload.REPEATED: "org.countermark.tile.1", payload.POSITIONED: ALGORITHM}
    """Every algorithm that is read, by the version of its payload."""
    VERSION: Final = payload.POSITIONED

    def __init__(self, keyring: Keyring, *, version: int = VERSION) -> None:
        """`version`: the format that is written, 1 or 2. The first is for comparisons and for tests of old marks."""
        if version not in self.ALGORITHMS:
            raise ValueError(f"There is no watermark format {version}; use one of {sorted(self.ALGORITHMS)}.")
        self._version = version
        share = MAX_ATTEMPTS // len(keyring.epochs)
        self._readers = [EpochReader(epoch, number, share) for number, epoch in enumerate(keyring.epochs)]

    def embed(self, rgb: NDArray[np.uint8], mark_id: int) -> NDArray[np.uint8]:
        """Mark `rgb` (uint8[H, W, 3]) with `mark_id` (in [0, 2**48)); returns a new array of the same shape.

        The result is deterministic for an image, id and keyring.

        Raises:
            BadImage: not uint8[H, W, 3].
            TooSmall: the short side is less than `MIN_EMBED_SIDE` pixels.
            BadMarkId: the id is out of range.
            WatermarkNotReadable: the mark could not be read back: strong noise, or a regular pattern with the tile's
                pitch.
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EMBED_SIDE:
            raise TooSmall(
                f"An image of {rgb.shape[1]} x {rgb.shape[0]} pixels is too small to mark; "
                f"its short side must be at least {MIN_EMBED_SIDE} pixels."
            )
        newest = self._readers[0]
        code_word = trellis.encode(payload.seal(mark_id, newest.epoch.check, self._version))
        chosen = newest.epoch.choose(mark_id)
        patterns = [*newest.patterns[chosen:], *newest.patterns[:chosen]]
        return imprint(rgb, code_word, patterns, self._over(newest), lambda marked: self._finds(mark_id, marked))

    def extract(self, rgb: NDArray[np.uint8], *, fast: bool = False) -> Reading | None:
        """Return the mark of this keyring in `rgb` (uint8[H, W, 3], any size), or None.

        `fast`: look only for images that were turned by up to ten degrees from a quarter turn, with nearly the same
        aspect, and in their own colours. It takes half of the time of a full search that finds nothing.

        Raises:
            BadImage: not uint8[H, W, 3].
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EXTRACT_SIDE:
            return None
        views = [_view(rgb)]
        inside = without_margins(rgb)
        if inside is not None and min(inside[2] - inside[0], inside[3] - inside[1]) >= MIN_EXTRACT_SIDE:
            views.append(_view(rgb, inside))
        for view, reader in product(views, self._readers):
            if (reading := reader.read_resized(view)) is not None:
                return reading
        for number, view in enumerate(views):
            spectrum = FineSpectrum(view.level, view.pitch)
            for reader in self._readers:
                share = reader.shares(len(views))[number]
                if (reading := reader.search(view, spectrum, share, fast=fast)) is not None:
                    return reading
        return None

    def _over(self, reader: EpochReader) -> Over:
        """How the format that is written lays a pattern over an image."""
        if self._version == payload.REPEATED:
            return RepeatedTile
        return partial(PositionedTiles, positions=reader.positioned.positions, content=reader.positioned.content)

    def _finds(self, mark_id: int, rgb: NDArray[np.uint8]) -> bool:
        """Whether `rgb` is read as marked with exactly this id."""
        reading = self.extract(rgb)
        return reading is not None and reading.mark_id == mark_id


def _require_rgb(rgb: NDArray[np.uint8]) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        found = f"{rgb.dtype}{list(rgb.shape)}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise BadImage(f"Expected an RGB image as uint8[H, W, 3], got {found}; convert it first.")


def _view(rgb: NDArray[np.uint8], box: Box | None = None) -> View:
    """Luma of the centre of `rgb`, or of the part of it in `box`.

    Its short side is at most the canonical one, its long side at most `MAX_ASPECT` times the short one.
    """
    top, left, bottom, right = box or (0, 0, rgb.shape[0], rgb.shape[1])
    limit = MAX_ASPECT * min(bottom - top, right - left)
    top, left = top + max(0, bottom - top - limit) // 2, left + max(0, right - left - limit) // 2
    middle = rgb[top : min(top + limit, bottom), left : min(left + limit, right)]
    grey = luma(np.ascontiguousarray(middle))
    canvas = scaled(grey, min(1.0, SHORT_SIDE / min(grey.shape)))
    return View(canvas, (rgb.shape[0], rgb.shape[1]), (middle.shape[0], middle.shape[1]), (top, left))
