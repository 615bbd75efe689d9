"""Embedding a code word in an image: perceptual masking, host rejection, and the choice of strength."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.errors import WatermarkNotReadable
from watermark.tile.canvas import canonical_side, luma, resized, scaled, whitened
from watermark.tile.carriers import Carrier, Over
from watermark.tile.pattern import Pattern
from watermark.tile.trials import EmbeddingTrials

MAX_PSNR_DB: Final = 48.0
MIN_PSNR_DB: Final = 36.2
"""Bounds of the mark's strength. The lower one leaves a margin over the promised 36 dB for rounding and clipping."""
_BISECTIONS: Final = 4
"""Bisections of that range, which give the strength to within 0.6 dB."""

_ACTIVITY_SIGMA: Final = 2.0
_BRIGHTNESS_SIGMA: Final = 4.0
"""Samples of the canonical image over which activity and brightness are averaged."""
_ROOTS_TO_RMS: Final = 1.8
"""Scales the squared mean of roots to about the RMS of grain. A single edge, which hides no mark beside it, counts less
under roots than under squares."""
_FLAT_ACTIVITY: Final = 1.5
_USUAL_ACTIVITY: Final = 6.0
"""Local RMS in grey levels: the minimum credited to flat areas, and a typical value."""
_ACTIVITY_BOUNDS: Final = (0.35, 1.2)
"""How far the mark follows the activity, in multiples of the usual amplitude. Wider bounds hide it better, but also
from the reader, which detects it best in flat areas."""

_HOST_CANCELLATIONS: Final = (0.3, 0.5, 0.7)
"""Share of the image's own contribution to each component that the mark cancels. More would spend most of the energy on
few components of busy images; the larger shares are for images, mostly noise, that cannot be read otherwise."""
_JPEG_READ_BACK: Final = 90
"""JPEG quality at which every mark must still be readable."""
_JPEG_LARGEST: Final = 65_535
"""Longest side that JPEG supports."""
_AMPLITUDE_BOUNDS: Final = (0.15, 2.5)
"""Smallest and largest amplitude of a component after cancellation, in multiples of the uniform one."""
_SEARCH_STEPS: Final = 30
_PROBE_RMS: Final = 2.0
"""Strength, in grey levels, of the probe that measures how the reader responds to the mark in this image."""
_ROWS_AT_ONCE: Final = 64
_QUANTISATION_POWER: Final = 1 / 12
"""Noise power of rounding to integer grey levels."""


def imprint(
    rgb: NDArray[np.uint8],
    code_word: NDArray[np.float32],
    patterns: Sequence[Pattern],
    over: Over,
    is_read: Callable[[NDArray[np.uint8]], bool],
) -> NDArray[np.uint8]:
    """Add `code_word` (float32[N], +1 or -1) to the luma of `rgb` (uint8[H, W, 3]); returns a new array, same shape.

    `over` lays a pattern over the image, which is what the formats differ in. The first of `patterns` is used. Only if
    the mark is not clear there, the other patterns are tried, and the reader after JPEG: a regular image may interfere
    with the frequencies of one tile and not of another. What is returned was read by the reader itself (`is_read`), and
    so was a JPEG 90 copy of it, unless the mark passed the trials, which ask for more.

    Raises:
        WatermarkNotReadable: the image hides the mark in every pattern, even with most of its contribution cancelled.
    """
    grey = luma(rgb)
    host = scaled(grey, canonical_side(min(rgb.shape[:2])) / min(grey.shape))
    for cancellation in _HOST_CANCELLATIONS:
        made = _imprinted(rgb, grey, host, code_word, over(patterns[0], host), cancellation)
        if made.clear and is_read(made.rgb) and _is_delivered(made, is_read):
            return made.rgb
    for pattern in patterns:
        made = _imprinted(rgb, grey, host, code_word, over(pattern, host), _HOST_CANCELLATIONS[0])
        if _is_delivered(made, is_read) and is_read(made.rgb):
            return made.rgb
    raise WatermarkNotReadable(
        f"The mark cannot be read back from this image of {rgb.shape[1]} x {rgb.shape[0]} pixels at {MIN_PSNR_DB} dB: "
        "it is too noisy for its size, or a regular pattern with the pitch of the mark's tile. Enlarge it or use "
        "another image."
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Imprinted:
    """A marked image. `clear`: whether the mark is clear in it; `tried`: whether it passed every trial."""

    rgb: NDArray[np.uint8]
    clear: bool
    tried: bool


def _imprinted(
    rgb: NDArray[np.uint8],
    grey: NDArray[np.float32],
    host: NDArray[np.float32],
    code_word: NDArray[np.float32],
    carrier: Carrier,
    cancellation: float,
) -> _Imprinted:
    """`rgb` marked (`grey` is its luma, `host` the luma at canonical size)."""
    mark = _mark(host, carrier.pattern.target(code_word), carrier, cancellation)
    trials = EmbeddingTrials(grey, mark, code_word, carrier)
    rms, tried = _gain(trials)
    marked = _added(rgb, mark * np.float32(rms / trials.mark_rms))
    return _Imprinted(marked, trials.reads_back(luma(marked)), tried)


def _is_delivered(made: _Imprinted, is_read: Callable[[NDArray[np.uint8]], bool]) -> bool:
    """Whether the mark survives JPEG 90, a likely form of delivery. A weaker mark would be useless."""
    if max(made.rgb.shape) > _JPEG_LARGEST:
        return made.clear
    return (made.clear and made.tried) or is_read(_after_jpeg(made.rgb))


def visibility(host: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much mark each sample of `host` (float32[h, w], luma) can hide: more where it is busy or bright.

    Returns float32[h, w], about 1 on average; only ratios matter.
    """
    detail = np.abs(host - cv2.GaussianBlur(host, (0, 0), _ACTIVITY_SIGMA))
    activity = _ROOTS_TO_RMS * np.square(cv2.GaussianBlur(np.sqrt(detail), (0, 0), _ACTIVITY_SIGMA))
    hidden = np.clip((activity + _FLAT_ACTIVITY) / _USUAL_ACTIVITY, *_ACTIVITY_BOUNDS)
    brightness = cv2.GaussianBlur(host, (0, 0), _BRIGHTNESS_SIGMA) / 255.0
    return np.asarray(hidden * np.clip(0.75 + 0.5 * brightness, 0.75, 1.1), dtype=np.float32)


def _mark(
    host: NDArray[np.float32], target: NDArray[np.complex64], carrier: Carrier, cancellation: float
) -> NDArray[np.float32]:
    """The mark for `host` (canonical luma) with unit RMS: float32[h, w]."""
    mask = visibility(host)
    even = target * carrier.pattern.layout.taper
    probe = _masked(carrier.field(even), mask) * np.float32(_PROBE_RMS)
    before, after = (_components(_received(image, carrier)) for image in (host, host + probe))
    response = _response(_components(even), after - before, carrier.pattern)
    amplitudes = _reject_host(_components(even), before / response, cancellation)
    return _masked(carrier.field(amplitudes.view(np.complex64)), mask)


def _received(host: NDArray[np.float32], carrier: Carrier) -> NDArray[np.complex64]:
    """The spectrum a reader sees in `host` at each frequency, phase removed: complex64[F]."""
    return np.asarray(carrier.received(host, whitened(host)) * np.conj(carrier.pattern.carrier), dtype=np.complex64)


def _components(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Real and imaginary parts interleaved: float32[2 F]."""
    return np.ascontiguousarray(spectrum, np.complex64).view(np.float32)


def _response(even: NDArray[np.float32], heard: NDArray[np.float32], pattern: Pattern) -> NDArray[np.float32]:
    """What the reader hears (`heard`: float32[2 F]) of each component of a mark of `even` amplitudes: float32[2 F].

    One number for the template and one for the message, whose spectra need not have the same scale.
    """
    message = np.zeros(len(even) // 2, np.bool_)
    message[pattern.layout.message] = True
    response = np.empty_like(even)
    for part in (np.repeat(message, 2), np.repeat(~message, 2)):
        share = float(np.sum(heard[part] * np.sign(even[part])) / np.sum(np.abs(even[part])))
        response[part] = max(share, 1e-6)
    return response


def _reject_host(even: NDArray[np.float32], before: NDArray[np.float32], cancellation: float) -> NDArray[np.float32]:
    """Amplitudes (float32[2 F]) with the energy of `even`, raised where the image opposes the mark.

    `before` is what the reader sees of the image alone, in amplitudes of the mark. This is spread
    spectrum with partial host rejection: H. S. Malvar, D. A. F. Florencio, "Improved spread spectrum", IEEE Trans.
    Signal Processing 51, 2003.
    """
    sign, size = np.sign(even), np.abs(even)
    in_favour = cancellation * before * sign
    low, high = -3.0, 6.0
    amplitudes = size
    for _ in range(_SEARCH_STEPS):
        level = (low + high) / 2
        amplitudes = np.clip(level * size - in_favour, _AMPLITUDE_BOUNDS[0] * size, _AMPLITUDE_BOUNDS[1] * size)
        low, high = (low, level) if np.sum(amplitudes**2) > np.sum(size**2) else (level, high)
    return np.asarray(sign * amplitudes, dtype=np.float32)


def _masked(field: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """`field` under `mask` (both float32[h, w]), scaled to unit RMS: float32[h, w]."""
    masked = field * mask
    return np.asarray(masked / np.sqrt(np.mean(masked**2)), dtype=np.float32)


def _gain(trials: EmbeddingTrials) -> tuple[float, bool]:
    """The RMS, in grey levels, of the weakest mark that survives the trials, within the PSNR bounds.

    And whether it does survive them: at the lower bound it may not.
    """
    unclipped = trials.unclipped_share(_rms_at(MIN_PSNR_DB))
    enough, too_weak, tried = MIN_PSNR_DB, MAX_PSNR_DB, False
    for _ in range(_BISECTIONS):
        middle = (enough + too_weak) / 2
        if trials.survives(_rms_at(middle) / unclipped):
            enough, tried = middle, True
        else:
            too_weak = middle
    return _rms_at(enough) / unclipped, tried


def _rms_at(psnr_db: float) -> float:
    """RMS in grey levels of a mark that gives a PSNR of `psnr_db` after rounding."""
    return float(np.sqrt(255.0**2 / 10.0 ** (psnr_db / 10.0) - _QUANTISATION_POWER))


def _added(rgb: NDArray[np.uint8], mark: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`rgb` plus the canonical `mark`, enlarged to its size, on every channel; a few rows at a time to save memory.

    The rows of the enlarged mark are computed as needed: all of it would take more memory than the image. The matrix
    that computes them grows with the square of the height, so tall images are transposed.
    """
    marked = np.empty(rgb.shape, np.uint8)
    if rgb.shape[0] > rgb.shape[1]:
        _add(rgb.swapaxes(0, 1), np.ascontiguousarray(mark.T), marked.swapaxes(0, 1))
    else:
        _add(rgb, mark, marked)
    return marked


def _add(rgb: NDArray[np.uint8], mark: NDArray[np.float32], marked: NDArray[np.uint8]) -> None:
    """As `_added`, into `marked`, for images not taller than wide."""
    height, width = rgb.shape[:2]
    wide = resized(mark, min(height, mark.shape[0]), width)
    stretch = resized(np.eye(len(wide), dtype=np.float32), height, len(wide))
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        near = np.flatnonzero(stretch[rows].any(axis=0))  # interpolation uses four rows, the others have weight 0
        band = slice(near[0], near[-1] + 1)
        steps = np.rint(stretch[rows, band] @ wide[band]).astype(np.int16)
        marked[rows] = cv2.add(np.ascontiguousarray(rgb[rows]), cv2.merge((steps,) * 3), dtype=cv2.CV_8U)  # saturates


def _after_jpeg(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`rgb` after JPEG compression."""
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    _, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_READ_BACK])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)[..., ::-1])
