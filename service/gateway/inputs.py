"""The pictures that come with an order: decoded, and fitted to what will be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.generation import References
from service.generation.canvas import Canvas, canvas, fitted
from service.kit.errors import BadRequest
from service.media.pictures import ImageLimits, Picture, decode, selection
from watermark.c2pa.manifest import InputSource

Role = Literal["image", "mask", "reference"]
REFERENCE_SIDE = 512
"""Reference pictures are cut to a square of this side: more than any image encoder looks at."""
_SCALE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class InputImage:
    """A picture of an order and what it is for. Nobody has looked at it yet."""

    role: Role
    picture: Picture


@dataclass(frozen=True, slots=True, eq=False)
class OrderInputs:
    """All that came with an order: `pictures` to check, and the `selected` part (bool, H x W) of the one to change."""

    pictures: tuple[InputImage, ...] = ()
    selected: NDArray[np.bool_] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the picture to change; None without one."""
        return self._image.size if self._image else None

    @property
    def _image(self) -> Picture | None:
        return next((given.picture for given in self.pictures if given.role == "image"), None)

    def canvas(self, size: tuple[int, int], strength: float | None) -> Canvas | None:
        """What to draw on, `size` (width, height) large. Raises BadRequest where the mask selects nothing of it."""
        if self._image is None:
            return None
        onto = canvas(self._image.rgb, self.selected, strength, size)
        if onto.mask is not None and not onto.mask.any():
            raise BadRequest("the mask selects nothing of what is drawn", hint="Leave the size out, or move the mask.")
        return onto

    def references(self, digest: str, scale: float | None) -> References | None:
        """What to take after, as it is handed on. `digest`: of the adapter that does it."""
        pictures = [given.picture.rgb for given in self.pictures if given.role == "reference"]
        if not pictures:
            return None
        squares = tuple(fitted(rgb, (REFERENCE_SIDE, REFERENCE_SIDE)) for rgb in pictures)
        return References(squares, _SCALE if scale is None else scale, digest)

    @property
    def sources(self) -> tuple[InputSource, ...]:
        """What is told of the pictures in the manifest and the ledger."""
        return tuple(InputSource(each.role, each.picture.mime, each.picture.sha256) for each in self.pictures)


def decode_inputs(
    image: bytes | None, mask: bytes | None, limits: ImageLimits, references: Sequence[bytes] = ()
) -> OrderInputs:
    """Decode what came with an order.

    Raises:
        InputError: a picture that cannot be read.
        BadRequest: the mask has another size than the picture, or selects nothing.
    """
    others = [InputImage("reference", decode(data, limits)) for data in references]
    if image is None:
        return OrderInputs(tuple(others))
    given = [InputImage("image", decode(image, limits))]
    if mask is None:
        return OrderInputs((*given, *others))
    given.append(InputImage("mask", decode(mask, limits)))
    if given[0].picture.size != given[1].picture.size:
        sizes = ["{}x{}".format(*each.picture.size) for each in given]
        raise BadRequest(f"the picture has {sizes[0]} px and its mask {sizes[1]}", hint="Send both in one size.")
    selected = selection(mask, limits)
    if not selected.any():
        raise BadRequest(
            "the mask selects nothing",
            hint="Make transparent what shall change; in a mask without alpha, white.",
        )
    return OrderInputs((*given, *others), selected)
