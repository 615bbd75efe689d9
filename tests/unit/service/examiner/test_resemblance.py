"""An image, a part of it and an edit are told from another image that only carries its watermark."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from detectors import fingerprint
from service.examiner.resemblance import Comparison, Resemblance, compared
from service.storage import Issue
from tests.support.evidence import issue
from tests.unit.watermark.tile.pictures import Rgb, photo
from watermark import Codec, Keyring

KEYRING = Keyring.from_secret(b"a secret for the tests")
CODECS = {version: Codec(KEYRING, version=version) for version in (1, 2)}


@cache
def marked(version: int, name: str = "astronaut") -> Rgb:
    return CODECS[version].embed(photo(name), 42)


def issued(rgb: Rgb) -> Issue:
    look = fingerprint(rgb)
    return replace(
        issue(42),
        created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        width=rgb.shape[1],
        height=rgb.shape[0],
        fingerprint=look.bits,
        fingerprint_quality=look.quality,
    )


def comparison(rgb: Rgb, row: Issue) -> Comparison:
    rgb = np.ascontiguousarray(rgb)
    reading = CODECS[2].extract(rgb)
    assert reading is not None
    return compared(rgb, fingerprint(rgb), reading, row)


def pasted(rgb: Rgb) -> Rgb:
    changed = rgb.copy()
    changed[80:330, 60:330] = photo("coffee")[100:350, 100:370]
    return changed


CHANGES: dict[str, Callable[[Rgb], Rgb]] = {
    "crop": lambda x: x[70:440, 90:470],
    "turned": np.rot90,
    "mirrored": lambda x: x[:, ::-1],
    "border": lambda x: np.pad(x, ((90, 90), (90, 90), (0, 0)), constant_values=255),
    "pasted over": pasted,
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("change", CHANGES)
def test_a_part_or_an_edit_is_told_from_another_image(version: int, change: str) -> None:
    copy = CHANGES[change](marked(version))
    own = comparison(copy, issued(marked(version)))
    assert own.same_image is False
    assert own.resemblance is Resemblance.PART
    assert comparison(copy, issued(photo("chelsea"))).resemblance is not Resemblance.PART


@pytest.mark.parametrize("version", [1, 2])
def test_the_same_image_needs_no_place(version: int) -> None:
    whole = comparison(cv2.resize(marked(version), (300, 300)), issued(marked(version)))
    assert (whole.resemblance, whole.same_image, whole.agreement) == (Resemblance.SAME, True, None)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_a_moved_mark_is_on_another_image(version: int, name: str) -> None:
    """Whoever had the key itself could put any id on any picture."""
    found = comparison(marked(version, name), issued(photo("astronaut")))
    assert found.resemblance is Resemblance.OTHER
    assert found.agreement is not None
    assert found.agreement < 2.5
    assert found.share is not None
    assert found.share > 0.45


def test_an_issued_image_without_features_cannot_be_compared() -> None:
    row = replace(issued(photo("chelsea")), fingerprint_quality=5)
    assert comparison(marked(2), row).resemblance is Resemblance.UNDECIDED
