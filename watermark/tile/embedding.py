"""Adding a code word to an image: where it hides, how it bends to the picture, and how strong it has to be."""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.errors import WatermarkNotReadable
from watermark.tile.canvas import canonical_side, luma, resized, scaled, whitened
from watermark.tile.pattern import TILE, Pattern
from watermark.tile.spectrum import tile_spectrum
from watermark.tile.trials import Rehearsal

MAX_PSNR_DB: Final = 48.0
MIN_PSNR_DB: Final = 36.2
"""Bounds of the mark's strength; the lower one keeps a margin over the promised 36 dB for rounding and clipping."""
_BISECTIONS: Final = 4
"""Halvings of that range: the strength is settled to within 0.6 dB."""

_ACTIVITY_SIGMA: Final = 2.0
_BRIGHTNESS_SIGMA: Final = 4.0
"""Samples of the canonical image over which activity and brightness are averaged."""
_ROOTS_TO_RMS: Final = 1.8
"""Makes the squared mean of roots about the RMS of grain. A lone edge, which hides no mark beside it, counts for less
under roots than under squares."""
_FLAT_ACTIVITY: Final = 1.5
_USUAL_ACTIVITY: Final = 6.0
"""Local RMS in grey levels: what even a flat area is credited with, and that of a usual one."""
_ACTIVITY_BOUNDS: Final = (0.35, 1.2)
"""How far the mark follows the activity, in multiples of the usual amplitude. Wider bounds hide it better from the eye
and from the reader, who hears it best in the flat areas that it would leave."""

_HOST_CANCELLATIONS: Final = (0.3, 0.5, 0.7)
"""Share of the picture's own contribution to each component that the mark makes up for. More would spend most of the
energy on few components of busy pictures; the greater shares are for pictures, mostly noise, that are not read else."""
_JPEG_READ_BACK: Final = 90
"""Quality of the JPEG copy from which a mark that is not clear must be read: less than that is no use to anybody."""
_JPEG_LARGEST: Final = 65_535
"""Longest side that JPEG can hold."""
_AMPLITUDE_BOUNDS: Final = (0.15, 2.5)
"""Least and greatest amplitude of a component after cancellation, in multiples of its even share."""
_SEARCH_STEPS: Final = 30
_PROBE_RMS: Final = 2.0
"""Strength, in grey levels, of the probe that measures how the reader responds to the mark in this picture."""
_ROWS_AT_ONCE: Final = 64
_QUANTISATION_POWER: Final = 1 / 12
"""Power added by rounding to whole grey levels."""


def imprint(
    rgb: NDArray[np.uint8],
    code_word: NDArray[np.float32],
    patterns: Sequence[Pattern],
    is_read: Callable[[NDArray[np.uint8]], bool],
) -> NDArray[np.uint8]:
    """`rgb` (uint8[H, W, 3]) with `code_word` (float32[N], +1 or -1) added to its luma; a new array, same shape.

    It goes into the first of `patterns`. Only where it is not clear there, whole reading is asked (`is_read`), and the
    other patterns are tried: a regular picture may lie on the frequencies of one tile and leave another alone.

    Raises:
        WatermarkNotReadable: the picture hides the mark in every pattern, even when most of its contribution is
            cancelled.
    """
    grey = luma(rgb)
    host = scaled(grey, canonical_side(min(rgb.shape[:2])) / min(grey.shape))
    for cancellation in _HOST_CANCELLATIONS:
        marked, clear = _imprinted(rgb, grey, host, code_word, patterns[0], cancellation)
        if clear:
            return marked
    for pattern in patterns:
        marked, clear = _imprinted(rgb, grey, host, code_word, pattern, _HOST_CANCELLATIONS[0])
        if clear or (max(rgb.shape) <= _JPEG_LARGEST and is_read(_after_jpeg(marked))):
            return marked
    raise WatermarkNotReadable(
        f"The mark cannot be read back from this picture of {rgb.shape[1]} x {rgb.shape[0]} pixels at "
        f"{MIN_PSNR_DB} dB: it is too noisy for its size, or a regular pattern whose pitch is that of the mark's own "
        "tile. Enlarge it or take another one."
    )


def _imprinted(
    rgb: NDArray[np.uint8],
    grey: NDArray[np.float32],
    host: NDArray[np.float32],
    code_word: NDArray[np.float32],
    pattern: Pattern,
    cancellation: float,
) -> tuple[NDArray[np.uint8], bool]:
    """The marked picture (`grey` is its luma, `host` that at canonical size), and whether the mark is clear in it."""
    mark = _mark(host, pattern.target(code_word), pattern, cancellation)
    rehearsal = Rehearsal(grey, mark, code_word, pattern)
    marked = _added(rgb, mark * np.float32(_gain(rehearsal) / rehearsal.mark_rms))
    return marked, rehearsal.reads_back(luma(marked))


def visibility(host: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much mark each sample of `host` (float32[h, w], luma) may carry: more where it is busy or bright.

    Returns float32[h, w], about 1 on average; only the ratios count.
    """
    detail = np.abs(host - cv2.GaussianBlur(host, (0, 0), _ACTIVITY_SIGMA))
    activity = _ROOTS_TO_RMS * np.square(cv2.GaussianBlur(np.sqrt(detail), (0, 0), _ACTIVITY_SIGMA))
    hidden = np.clip((activity + _FLAT_ACTIVITY) / _USUAL_ACTIVITY, *_ACTIVITY_BOUNDS)
    brightness = cv2.GaussianBlur(host, (0, 0), _BRIGHTNESS_SIGMA) / 255.0
    return np.asarray(hidden * np.clip(0.75 + 0.5 * brightness, 0.75, 1.1), dtype=np.float32)


def _mark(
    host: NDArray[np.float32], target: NDArray[np.complex64], pattern: Pattern, cancellation: float
) -> NDArray[np.float32]:
    """The mark for `host` (canonical luma) with unit RMS: float32[h, w]."""
    mask = visibility(host)
    even = target * pattern.layout.taper
    probe = _painted(pattern.tile(even), mask) * np.float32(_PROBE_RMS)
    before, after = (_heard(image, pattern) for image in (host, host + probe))
    amplitudes = _bent(_components(even), _components(before), _components(after), cancellation)
    return _painted(pattern.tile(amplitudes.view(np.complex64)), mask)


def _heard(host: NDArray[np.float32], pattern: Pattern) -> NDArray[np.complex64]:
    """What a reader finds in `host` at each frequency, phase removed: complex64[F]."""
    spectrum = tile_spectrum(whitened(host))[pattern.layout.ky, pattern.layout.kx]
    return np.asarray(spectrum * np.conj(pattern.carrier), dtype=np.complex64)


def _components(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Real and imaginary parts in turn: float32[2 F]."""
    return np.ascontiguousarray(spectrum, np.complex64).view(np.float32)


def _bent(
    even: NDArray[np.float32], before: NDArray[np.float32], after: NDArray[np.float32], cancellation: float
) -> NDArray[np.float32]:
    """Amplitudes (float32[2 F]) with the energy of `even`, raised where the picture speaks against the mark.

    `before` and `after` are what the reader hears without and with a probe of `even` amplitudes. This is spread
    spectrum with partial rejection of the host: H. S. Malvar, D. A. F. Florencio, "Improved spread spectrum",
    IEEE Trans. Signal Processing 51, 2003.
    """
    sign, size = np.sign(even), np.abs(even)
    response = max(float(np.sum((after - before) * sign) / np.sum(size)), 1e-6)
    in_favour = cancellation * before * sign / response
    low, high = -3.0, 6.0
    bent = size
    for _ in range(_SEARCH_STEPS):
        level = (low + high) / 2
        bent = np.clip(level * size - in_favour, _AMPLITUDE_BOUNDS[0] * size, _AMPLITUDE_BOUNDS[1] * size)
        low, high = (low, level) if np.sum(bent**2) > np.sum(size**2) else (level, high)
    return np.asarray(sign * bent, dtype=np.float32)


def _painted(tile: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """`tile` repeated over the canonical image under `mask`, scaled to unit RMS: float32 of the mask's shape."""
    height, width = mask.shape
    repeated = np.tile(tile, (-(-height // TILE), -(-width // TILE)))[:height, :width]
    painted = repeated * mask
    return np.asarray(painted / np.sqrt(np.mean(painted**2)), dtype=np.float32)


def _gain(rehearsal: Rehearsal) -> float:
    """The RMS, in grey levels, of the weakest mark that survives the trials, within the PSNR bounds."""
    unclipped = rehearsal.unclipped_share(_rms_at(MIN_PSNR_DB))
    enough, too_weak = MIN_PSNR_DB, MAX_PSNR_DB
    for _ in range(_BISECTIONS):
        middle = (enough + too_weak) / 2
        if rehearsal.survived_by(_rms_at(middle) / unclipped):
            enough = middle
        else:
            too_weak = middle
    return _rms_at(enough) / unclipped


def _rms_at(psnr_db: float) -> float:
    """RMS in grey levels of a mark that, rounded, leaves the picture at `psnr_db`."""
    return float(np.sqrt(255.0**2 / 10.0 ** (psnr_db / 10.0) - _QUANTISATION_POWER))


def _added(rgb: NDArray[np.uint8], mark: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`rgb` plus the canonical `mark` at its own size on every channel, a few rows at a time to spare memory.

    The rows of the enlarged mark are made as they are needed: as a whole it would weigh more than the picture. What
    makes them grows with the square of the height, so tall pictures are laid on their side.
    """
    marked = np.empty(rgb.shape, np.uint8)
    if rgb.shape[0] > rgb.shape[1]:
        _add(rgb.swapaxes(0, 1), np.ascontiguousarray(mark.T), marked.swapaxes(0, 1))
    else:
        _add(rgb, mark, marked)
    return marked


def _add(rgb: NDArray[np.uint8], mark: NDArray[np.float32], marked: NDArray[np.uint8]) -> None:
    """As `_added`, into `marked`, for pictures that are no taller than wide."""
    height, width = rgb.shape[:2]
    wide = resized(mark, min(height, mark.shape[0]), width)
    stretch = resized(np.eye(len(wide), dtype=np.float32), height, len(wide))
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        near = np.flatnonzero(stretch[rows].any(axis=0))  # interpolation looks at four rows, the others weigh nothing
        band = slice(near[0], near[-1] + 1)
        steps = np.rint(stretch[rows, band] @ wide[band]).astype(np.int16)
        marked[rows] = cv2.add(np.ascontiguousarray(rgb[rows]), cv2.merge((steps,) * 3), dtype=cv2.CV_8U)  # saturates


def _after_jpeg(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`rgb` through JPEG, as it may well leave the house."""
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    _, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_READ_BACK])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)[..., ::-1])
