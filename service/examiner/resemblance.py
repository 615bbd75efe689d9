"""Whether an image is the one that its watermark was issued on, a part or an edit of it, or another image.

The ledger keeps no pixels, only PDQ hashes. A hash compares whole images; a part is compared with its place in the
sketch that the hash gives back, because the watermark says where that place is.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors import Fingerprint, distance
from detectors.similarity import partial
from service.examiner.policy import LOWEST_FINGERPRINT_QUALITY, same_image
from service.media.heatmaps import enlarged
from service.storage import Issue
from watermark import Reading

PART_AGREEMENT = 4.0
"""Agreement from which an image shows the issued one: unrelated images reach it once in thirty thousand times."""
OTHER_AGREEMENT = 2.5
OTHER_SHARE = 0.45
"""Agreement below which an image that covers at least this share of the issued one's frame shows another picture."""
_COVERED = 0.4
"""Share of the mark's strength from which a place is compared; the others were painted over or lie outside."""
_PER_PLACE = 0.4
"""Added to both per doubling of the places that were tried: the best of many is higher by chance."""


class Resemblance(StrEnum):
    """What an image has to do with the one that its watermark was issued on."""

    SAME = "same"
    PART = "part"
    OTHER = "other"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`same_image` and `distance` compare whole images by PDQ; `agreement` and `share` the part that is shown."""

    resemblance: Resemblance
    same_image: bool | None
    distance: int
    agreement: float | None = None
    """Standard deviations of chance."""
    share: float | None = None
    """Share of the issued image's frame that is covered, 0 to 1."""


def compared(rgb: NDArray[np.uint8], look: Fingerprint, reading: Reading, issue: Issue) -> Comparison:
    """Compare `rgb` (uint8[H, W, 3]), whose PDQ hash is `look`, with the image of `issue`, to which `reading` leads."""
    same, far = same_image(look, issue.fingerprint, issue.fingerprint_quality), distance(look.bits, issue.fingerprint)
    if same is not False:
        return Comparison(Resemblance.SAME if same else Resemblance.UNDECIDED, same, far)
    places = reading.placements((issue.height, issue.width))
    if not places or issue.fingerprint_quality < LOWEST_FINGERPRINT_QUALITY:
        return Comparison(Resemblance.UNDECIDED, same, far)
    covered = np.nan_to_num(enlarged(reading.coverage, rgb.shape[:2]), nan=1.0)  # what was pasted over decides nothing
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    grey = 255 - grey if reading.inverted else grey
    agreement, share = max(_agreement(grey, covered, place, issue.fingerprint) for place in places)
    return Comparison(_judged(agreement, share, len(places)), same, far, round(agreement, 1), round(share, 2))


def _judged(agreement: float, share: float, places: int) -> Resemblance:
    by_chance = _PER_PLACE * float(np.log2(places))
    if agreement >= PART_AGREEMENT + by_chance:
        return Resemblance.PART
    if agreement < OTHER_AGREEMENT + by_chance and share >= OTHER_SHARE:
        return Resemblance.OTHER
    return Resemblance.UNDECIDED


def _agreement(
    grey: NDArray[np.uint8], covered: NDArray[np.float32], place: NDArray[np.float64], bits: bytes
) -> tuple[float, float]:
    """The agreement of `grey` at one place (see `Reading.placements`), and the share of the frame that it covers.

    `covered`: how much of the mark is left at each pixel, in [0, 1].
    """
    side = partial.SIDE
    step = np.sqrt(abs(np.linalg.det(place[:, :2]))) / side  # pixels of the image per sample of the frame
    factor = min(1.0, 1 / max(step, 1e-6))
    size = [max(1, round(length * factor)) for length in grey.shape[::-1]]
    ratio = np.array(size) / grey.shape[::-1]
    linear = place[:, :2] / side
    start = place[:, 2] + linear @ np.array([0.5, 0.5])  # the centre of the first sample
    matrix = np.column_stack([linear * ratio[:, None], (start + 0.5) * ratio - 0.5])
    small, kept = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (grey, covered))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(small.astype(np.float32), matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    mask = (cv2.warpAffine(kept, matrix, (side, side), flags=flags) >= _COVERED).astype(np.float32)
    return partial.agreement(np.asarray(part, np.float32), mask, bits), float(mask.mean())
