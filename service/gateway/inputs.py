"""The input images of an order: decoded, and fitted to the image that will be generated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.generation import References
from service.generation.canvas import Canvas, canvas, fitted
from service.kit.errors import BadRequest
from service.media.pictures import ImageLimits, Picture, decode, selection, transparent_area
from watermark.c2pa.manifest import InputSource

Role = Literal["image", "mask", "reference"]
REFERENCE_SIDE = 512
"""Reference images are cropped to a square of this side: more than any image encoder uses."""
_DEFAULT_SCALE = 0.6
_HOLE = "the transparent pixels of the image were taken as the mask: only they were generated"


@dataclass(frozen=True, slots=True, eq=False)
class InputImage:
    """An input image and its role. Nothing has checked it yet."""

    role: Role
    picture: Picture


@dataclass(frozen=True, slots=True, eq=False)
class OrderInputs:
    """The input images of an order, the `selected` part (bool, H x W) of the one to change, and `notes` to answer."""

    images: tuple[InputImage, ...] = ()
    selected: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the image to change; None without one."""
        return self._image.size if self._image else None

    @property
    def _image(self) -> Picture | None:
        return next((each.picture for each in self.images if each.role == "image"), None)

    def canvas(self, size: tuple[int, int], strength: float | None) -> Canvas | None:
        """What to generate on, of `size` (width, height). Raises BadRequest if the mask selects nothing of it."""
        if self._image is None:
            return None
        onto = canvas(self._image.rgb, self.selected, strength, size)
        if onto.mask is not None and not onto.mask.any():
            raise BadRequest(
                "the mask selects nothing of the part that is generated", hint="Leave the size out, or move the mask."
            )
        return onto

    def references(self, digest: str, scale: float | None) -> References | None:
        """What the result should resemble. `digest`: of the adapter that does it."""
        images = [each.picture.rgb for each in self.images if each.role == "reference"]
        if not images:
            return None
        squares = tuple(fitted(rgb, (REFERENCE_SIDE, REFERENCE_SIDE)) for rgb in images)
        return References(squares, _DEFAULT_SCALE if scale is None else scale, digest)

    @property
    def sources(self) -> tuple[InputSource, ...]:
        """The input images as manifest and ledger name them."""
        return tuple(
            InputSource(each.role, each.picture.mime, each.picture.sha256, each.picture.size) for each in self.images
        )


def decode_inputs(
    image: bytes | None, mask: bytes | None, limits: ImageLimits, references: Sequence[bytes] = ()
) -> OrderInputs:
    """Decode the input images of an order. Without a mask, the transparent pixels of the image are the mask.

    Raises:
        InputError: an image cannot be read.
        BadRequest: the mask has another size than the image, or selects nothing.
    """
    others = [InputImage("reference", decode(data, limits)) for data in references]
    if image is None:
        return OrderInputs(tuple(others))
    inputs = [InputImage("image", decode(image, limits))]
    if mask is None:
        hole = transparent_area(image, limits)
        return OrderInputs((*inputs, *others), hole, (_HOLE,) if hole is not None else ())
    inputs.append(InputImage("mask", decode(mask, limits)))
    if inputs[0].picture.size != inputs[1].picture.size:
        sizes = ["{}x{}".format(*each.picture.size) for each in inputs]
        raise BadRequest(f"the image has {sizes[0]} px and the mask {sizes[1]}", hint="Send both in the same size.")
    selected = selection(mask, limits)
    if not selected.any():
        raise BadRequest(
            "the mask selects nothing",
            hint="Make the part to change transparent or, in a mask without transparency, white.",
        )
    return OrderInputs((*inputs, *others), selected)
