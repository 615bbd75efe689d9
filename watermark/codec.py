"""The pixel watermark: put a mark id into an image, and find it again after the image was changed.

Method: one keyed 64 x 64 tile of luma noise, repeated four times over the short side (two and a half times over that
of a small image); a quarter of its frequencies are a template that locates it, the others a convolutionally coded
payload with a keyed check.

False readings: `extract` decodes at most `MAX_ATTEMPTS` grids per image, and each passes the 32-bit check by chance
once in 2**32 times; so an unmarked image, or one of another keyring, is read as marked with a probability of at most
4 / 2**32, under 1e-9.

What it does not do: no pixel mark survives regeneration by a diffusion model, and one who holds many images marked
under one key can estimate and subtract it.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark import payload, trellis
from watermark.canvas import SHORT_SIDE, luma, scaled, whitened
from watermark.embedding import imprint
from watermark.errors import BadImage, TooSmall
from watermark.keyring import Keyring
from watermark.pattern import TILE, Pattern
from watermark.search import Grid, Search
from watermark.spectrum import FineSpectrum

MIN_EMBED_SIDE: Final = 128
"""Short side, in pixels, from which marks were measured to come back from unchanged copies and from JPEG 75 (one busy
photograph in twelve excepted). Halving with JPEG 70 wants 192 pixels in flat pictures, 256 in photographs."""
MIN_EXTRACT_SIDE: Final = 48
"""Short side, in pixels, below which the band of the mark lies beyond what the pixels can hold."""
MAX_ATTEMPTS: Final = 4
"""Decoding attempts per extraction; the bound on false readings rests on it."""
MAX_ASPECT: Final = 2
"""Longest side over shortest that extraction looks at; the middle of longer images is enough and bounds its time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A mark that was found."""

    mark_id: int
    """In [0, 2**48)."""
    confidence: float
    """In (0, 1]: the share of the code symbols' strength that agrees with the decoded word, less what disagrees."""
    payload_version: int
    scale: float
    """Size of the tile against that of an image merely resized: 1 as issued, above 1 cropped, below 1 padded."""
    rotation_degrees: float
    """Counter-clockwise, in (-180, 180]."""
    mirrored: bool
    """Whether the image is a mirror image (left and right swapped before the rotation)."""
    stretch: float
    """Change of width over height."""


class Codec:
    """Embeds and extracts marks of one keyring; immutable, safe to share between threads."""

    ALGORITHM: Final = "org.countermark.tile.1"
    """Name of this soft-binding algorithm."""
    VERSION: Final = payload.VERSION

    def __init__(self, keyring: Keyring) -> None:
        self._check_key = keyring.check
        self._pattern = Pattern(keyring, trellis.coded_length(payload.PAYLOAD_BITS))

    def embed(self, rgb: NDArray[np.uint8], mark_id: int) -> NDArray[np.uint8]:
        """`rgb` (uint8[H, W, 3]) marked with `mark_id` (in [0, 2**48)): a new array of the same shape.

        The same image, id and keyring always give the same pixels.

        Raises:
            BadImage: not uint8[H, W, 3].
            TooSmall: the short side is under `MIN_EMBED_SIDE` pixels.
            BadMarkId: the id is out of range.
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EMBED_SIDE:
            raise TooSmall(
                f"An image of {rgb.shape[1]} x {rgb.shape[0]} pixels is too small to mark; "
                f"its short side must be at least {MIN_EMBED_SIDE} pixels."
            )
        code_word = trellis.encode(payload.seal(mark_id, self._check_key))
        return imprint(rgb, code_word, self._pattern)

    def extract(self, rgb: NDArray[np.uint8]) -> Reading | None:
        """The mark of this keyring in `rgb` (uint8[H, W, 3], any size), or None when there is none.

        Raises:
            BadImage: not uint8[H, W, 3].
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EXTRACT_SIDE:
            return None
        canvas = _working_copy(rgb)
        pitch = min(canvas.shape) * TILE / SHORT_SIDE
        search = Search(FineSpectrum(whitened(canvas), pitch), pitch, self._pattern)
        for grid in islice(search.grids(), MAX_ATTEMPTS):
            if (reading := self._decoded(grid)) is not None:
                return reading
        return None

    def _decoded(self, grid: Grid) -> Reading | None:
        """One decoding attempt."""
        soft = self._pattern.soft(grid.heard)
        bits = trellis.decode(soft)
        mark_id = payload.unseal(bits, self._check_key)
        if mark_id is None:
            return None
        agreement = float(soft @ trellis.encode(bits) / np.abs(soft).sum())
        log_scale, turn, log_stretch, mirrored = grid.pose
        return Reading(
            mark_id=mark_id,
            confidence=min(1.0, max(agreement, 1e-6)),
            payload_version=payload.VERSION,
            scale=float(np.exp(log_scale)),
            rotation_degrees=180.0 - (180.0 - float(np.degrees(turn))) % 360.0,
            mirrored=bool(mirrored),
            stretch=float(np.exp(log_stretch)),
        )


def _require_rgb(rgb: NDArray[np.uint8]) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        found = f"{rgb.dtype}{list(rgb.shape)}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise BadImage(f"Expected an RGB image as uint8[H, W, 3], got {found}; convert it first.")


def _working_copy(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luma of the middle of `rgb`, short side at most the canonical one, long side at most `MAX_ASPECT` times it."""
    limit = MAX_ASPECT * min(rgb.shape[:2])
    top, left = (max(0, side - limit) // 2 for side in rgb.shape[:2])
    grey = luma(np.ascontiguousarray(rgb[top : top + limit, left : left + limit]))
    return scaled(grey, min(1.0, SHORT_SIDE / min(grey.shape)))
