from types import SimpleNamespace
from typing import Any

import diffusers
import pytest

from service.generation.diffusers.image_to_image import image_to_image_pipeline, needs_blending


class Edited:
    """A pipeline as diffusers makes it from another."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.shows_progress = True

    def set_progress_bar_config(self, *, disable: bool) -> None:
        self.shows_progress = not disable


@pytest.fixture(autouse=True)
def _auto(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AutoPipelineForImage2Image", "AutoPipelineForInpainting"):
        monkeypatch.setattr(
            diffusers, name, SimpleNamespace(from_pipe=lambda pipeline, name=name: Edited(name)), raising=False
        )


def pipeline(channels: int | None) -> Any:
    if channels is None:
        return SimpleNamespace(transformer=object())
    return SimpleNamespace(unet=SimpleNamespace(config=SimpleNamespace(in_channels=channels)))


@pytest.mark.parametrize(
    ("channels", "masked", "expected"),
    [
        (4, False, "AutoPipelineForImage2Image"),
        (4, True, "AutoPipelineForInpainting"),
        (9, True, "AutoPipelineForInpainting"),
        (16, True, "AutoPipelineForImage2Image"),
        (None, False, "AutoPipelineForImage2Image"),
        (None, True, "AutoPipelineForInpainting"),
    ],
)
def test_a_mask_needs_inpainting_unless_it_is_blended(channels: int | None, masked: bool, expected: str) -> None:
    found = image_to_image_pipeline(pipeline(channels), masked=masked)
    assert isinstance(found, Edited)
    assert found.source == expected
    assert not found.shows_progress


def test_a_family_that_cannot_edit_has_no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_pipeline: object) -> None:
        raise ValueError("no such pipeline")

    monkeypatch.setattr(diffusers, "AutoPipelineForImage2Image", SimpleNamespace(from_pipe=none))
    assert image_to_image_pipeline(pipeline(4), masked=False) is None


@pytest.mark.parametrize(("channels", "blended"), [(4, False), (9, False), (8, True), (None, False)])
def test_only_an_unusual_unet_is_blended(channels: int | None, blended: bool) -> None:
    assert needs_blending(pipeline(channels)) is blended
