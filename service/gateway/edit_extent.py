"""How much of an input image an edit changed: said in the manifest, the answer, the ledger and the report.

A picture that is almost entirely somebody's photograph must not pass for an image that was generated here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.generation.canvas import Canvas, fitted
from service.kit.errors import EditTooSmall

CHANGED_LEVELS = 8
"""A pixel is changed where a channel differs by more than this, of 255: what recompression does stays below it."""


@dataclass(frozen=True, slots=True)
class EditExtent:
    """An edit, compared with its input in the size of the result, before the watermark.

    `pixels`: of the result. `generated`: those that the model could write, all of them without a mask. `changed`: those
    that differ by more than CHANGED_LEVELS in a channel. `psnr`: of the result to the input, dB; None if equal.
    """

    pixels: int
    generated: int
    changed: int
    psnr: float | None

    @property
    def share(self) -> float:
        """The changed share of the picture, 0..1: by the mask or by the pixels, whichever is less."""
        return min(self.generated, self.changed) / self.pixels

    def as_json(self) -> dict[str, int | float | None]:
        """For manifest, ledger and answers."""
        return {
            "pixels": self.pixels,
            "generated": self.generated,
            "changed": self.changed,
            "threshold": CHANGED_LEVELS,
            "psnr": self.psnr,
        }


def extent(canvas: Canvas, rgb: NDArray[np.uint8]) -> EditExtent:
    """Compare a result (uint8, H x W x 3) with what it was generated on; an upscaled one with the upscaled input."""
    height, width = rgb.shape[:2]
    before = fitted(canvas.rgb, (width, height))
    apart = cv2.absdiff(rgb, before)
    squares = float(cv2.norm(rgb, before, cv2.NORM_L2SQR)) / rgb.size
    return EditExtent(
        pixels=width * height,
        generated=round(_selected(canvas) * width * height),
        changed=int(np.count_nonzero(apart.max(axis=2) > CHANGED_LEVELS)),
        psnr=round(10 * float(np.log10(255**2 / squares)), 1) if squares else None,
    )


def check_mask(canvas: Canvas, least: float) -> None:
    """Before anything is generated: raises EditTooSmall if the mask selects less than the share `least`."""
    if (share := _selected(canvas)) < least:
        area = f"{round(share * canvas.rgb[..., 0].size):,} of {canvas.rgb[..., 0].size:,} px"
        raise EditTooSmall(f"the mask selects {area}, the least is {least:.2%} of the image", stage="admit")


def check_changed(found: EditExtent, least: float) -> None:
    """Raises EditTooSmall if less than the share `least` of the picture has changed."""
    if found.share < least:
        raise EditTooSmall(f"the edit changed {found.share:.2%} of the image, the least is {least:.2%}", stage="screen")


def _selected(canvas: Canvas) -> float:
    return 1.0 if canvas.mask is None else float(canvas.mask.mean())
