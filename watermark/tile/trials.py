"""Embedding trials: does a mark of a given strength survive what images usually go through?"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import resized, scaled, whitened
from watermark.tile.carriers import Carrier
from watermark.tile.search import chance_of

_TRIAL_SIDE: Final = 512
"""Short side above which trials run on a smaller copy, to bound their time."""
_JPEG_15_WHOLE: Final = 0.7
_JPEG_50_QUARTER: Final = 0.75
_JPEG_70_HALF_SIZE: Final = 1.0
"""Required signal-to-noise ratio (amplitude) of the code symbols in each trial; decoding succeeds from about 0.7."""
_ENOUGH_FOR_JPEG_15: Final = 2.0
"""Strength in grey levels (42 dB) that is not raised for JPEG 15 alone: it would be visible in flat drawings."""
_READ_BACK: Final = 0.75
_LOCATED: Final = 5.0
"""The same for the marked image, and the required template correlation, in standard deviations of chance."""
_LEAST_UNCLIPPED: Final = 0.7
"""Half of the mark's power, which remains in an entirely white or black image."""


class EmbeddingTrials:
    """The trials of one mark on one image, at any strength.

    JPEG 15 at full size; JPEG 50 read by quarters (a proxy for cropping); JPEG 70 at half size.
    """

    def __init__(
        self,
        grey: NDArray[np.float32],
        mark: NDArray[np.float32],
        code_word: NDArray[np.float32],
        carrier: Carrier,
    ) -> None:
        """Try `mark` (float32[h, w], canonical size, any scale) on `grey` (float32[H, W], luma)."""
        self._picture = scaled(grey, min(1.0, _TRIAL_SIDE / min(grey.shape)))
        shown = resized(mark, *self._picture.shape)
        self.mark_rms = float(np.sqrt(np.mean(shown**2)))
        self._mark = shown / np.float32(self.mark_rms)
        self._canonical_shape = mark.shape
        self._code_word = code_word
        self._carrier = carrier

    def survives(self, rms: float) -> bool:
        """Whether the mark at `rms` grey levels passes every trial."""
        marked = cv2.addWeighted(self._picture, 1.0, self._mark, rms, 0.0, dtype=cv2.CV_8U)  # rounded, and clipped
        headroom = self._carrier.headroom
        half = np.rint(scaled(marked.astype(np.float32), 0.5)).astype(np.uint8)
        if self._clarity(self._received(_after_jpeg(half, 70))) < _JPEG_70_HALF_SIZE * headroom:
            return False
        if rms < _ENOUGH_FOR_JPEG_15 and self._clarity(self._received(_after_jpeg(marked, 15))) < _JPEG_15_WHOLE:
            return False
        whole = resized(_after_jpeg(marked, 50), *self._canonical_shape)
        quarters = self._carrier.quarters(whole, whitened(whole))
        return float(np.mean([self._clarity(part) for part in quarters])) >= _JPEG_50_QUARTER * headroom

    def unclipped_share(self, rms: float) -> float:
        """Share (of RMS) of the mark at `rms` grey levels that is not clipped, in (0, 1].

        On white, half of the mark is clipped; it can then be that much stronger for the same error.
        """
        added = np.clip(self._picture + self._mark * np.float32(rms), 0, 255) - self._picture
        return float(np.clip(np.sqrt(np.mean(added**2)) / rms, _LEAST_UNCLIPPED, 1.0))

    def reads_back(self, marked: NDArray[np.float32]) -> bool:
        """Whether the mark is clear in `marked` (float32[H, W], the luma of the marked image)."""
        pattern = self._carrier.pattern
        received = self._received(marked)
        template = received[pattern.layout.sync] * pattern.template
        located = float(template.real.sum() / chance_of(template))
        return located >= _LOCATED and self._clarity(received) >= _READ_BACK

    def _received(self, image: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The spectrum that a reader sees in `image` (float32[H, W], luma): complex64[F]."""
        canonical = resized(image, *self._canonical_shape)
        return self._carrier.received(canonical, whitened(canonical))

    def _clarity(self, received: NDArray[np.complex64]) -> float:
        """Mean over standard deviation of the soft values in `received` (complex64[F]), with corrected signs."""
        symbols = self._carrier.pattern.soft(received) * self._code_word
        return float(symbols.mean() / (symbols.std() + 1e-9))


def _after_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.float32]:
    """`image` (uint8 luma) after JPEG compression at `quality`: float32 in [0, 255]."""
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.float32)
