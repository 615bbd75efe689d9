"""Which issued images are edits, and what they changed, as the decision to release them says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class IssuedEdit:
    """What an edit changed of its input image. All fields are None for one issued before this was recorded.

    `pixels`: of the issued image. `generated`: those that the model could write. `changed`: those that differ from the
    input by more than `threshold` of 255 in a channel. `psnr`: to the input, dB; also None if nothing differs.
    """

    pixels: int | None = None
    generated: int | None = None
    changed: int | None = None
    threshold: int | None = None
    psnr: float | None = None


def edit_in(content: Mapping[str, Any]) -> IssuedEdit | None:
    """The edit in the content of a decision to release an image; None if the image was generated from a prompt."""
    if edit := content.get("edit"):
        return IssuedEdit(**edit)
    edited = any(given.get("role") == "image" for given in content.get("given", ()))
    return IssuedEdit() if edited else None
