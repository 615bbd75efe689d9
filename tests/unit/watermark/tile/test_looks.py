"""What is looked at, in which order, and that marks come back from pictures within pictures."""

from collections.abc import Iterator, Sequence
from functools import cache

import cv2
import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, photo, resized
from tests.unit.watermark.tile.test_panels import page
from watermark import Codec, Effort, Keyring
from watermark.tile import looks, payload
from watermark.tile.candidates import Candidate
from watermark.tile.keyring import MAX_EPOCHS
from watermark.tile.looks import Looks, view_of
from watermark.tile.reader import MAX_ATTEMPTS, MAX_CONFIRMED, EpochReader, Heard
from watermark.tile.tilts import TILTS

KEYRING = Keyring.from_secret(b"a secret for the tests")
CODEC = Codec(KEYRING)
IDS = {"astronaut": 0xC0FFEE123456, "chelsea": 0x1D, "coffee": 0x2FFFFFFFFFFF, "rocket": 0x3A5A5A5A5A5A}


@cache
def marked(name: str) -> Rgb:
    return CODEC.embed(photo(name), IDS[name])


def ids(rgb: Rgb, effort: Effort = Effort.USUAL) -> set[int]:
    return {reading.mark_id for reading in CODEC.read(np.ascontiguousarray(rgb), effort).readings}


@pytest.mark.parametrize("side", [300])
def test_every_id_of_a_collage_comes_back(side: int) -> None:
    tiles = [resized(marked(name), side, side) for name in PHOTOS]
    assert ids(np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])) == set(IDS.values())


def test_a_picture_on_a_busy_page_is_read() -> None:
    onto = page()
    onto[210:510, 130:430] = resized(marked("astronaut"), 300, 300)
    assert ids(onto) == {IDS["astronaut"]}


def tilted(rgb: Rgb, degrees: float) -> Rgb:
    """Turned about its vertical axis, and seen from as far away as it is wide."""
    half, turn = len(rgb) / 2, np.radians(degrees)
    centred = np.array([[half, 0, half], [0, half, half], [0, 0, 1]])
    seen = np.array([[np.cos(turn), 0, 0], [0, 1, 0], [np.sin(turn) / 2, 0, 1]])
    matrix = centred @ seen @ np.linalg.inv(centred)
    return np.asarray(cv2.warpPerspective(rgb, matrix, rgb.shape[1::-1], flags=cv2.INTER_CUBIC), np.uint8)


def sheared(rgb: Rgb) -> Rgb:
    return np.asarray(cv2.warpAffine(rgb, np.array([[1, 0.06, -15.0], [0, 1, 0]]), rgb.shape[1::-1]), np.uint8)


@pytest.mark.parametrize("change", [lambda x: tilted(x, 10), sheared])
def test_a_thorough_search_finds_what_was_tilted(change: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tilts, those that go the same way or the opposite one: each costs a search."""
    monkeypatch.setattr(looks, "TILTS", (TILTS[0], TILTS[4], *TILTS[-2:]))
    copy = np.ascontiguousarray(change(marked("astronaut")))  # type: ignore[operator]
    (reading,) = CODEC.read(copy, Effort.THOROUGH).readings
    assert reading.mark_id == IDS["astronaut"]
    assert reading.coverage.shape == (16, 16)
    assert np.nanmean(reading.coverage) > 0.4
    assert reading.placements((512, 512))


def test_attempts_that_count_by_their_check_alone_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And there are not too many of those that must be confirmed, even of a page full of rectangles."""
    asked: dict[bool, int] = {True: 0, False: 0}
    decode = EpochReader._heard

    def counted(
        self: EpochReader, template: float, candidates: Sequence[Candidate], *, confirmed: bool = False
    ) -> Iterator[Heard]:
        for candidate in candidates:
            asked[confirmed or candidate.doubtful] += 1
        return decode(self, template, candidates, confirmed=confirmed)

    monkeypatch.setattr(EpochReader, "_heard", counted)
    monkeypatch.setattr(payload, "unseal", lambda *_: None)
    monkeypatch.setattr(looks, "TILTS", TILTS[:1])
    monkeypatch.setattr(looks, "_WINDOWS", 1)
    small = [resized(photo(name), 100, 100) for name in PHOTOS]
    sheet = np.vstack([np.hstack(small[:2]), np.hstack(small[2:])])
    assert CODEC.read(sheet, Effort.THOROUGH).readings == ()
    assert 1 <= asked[False] <= MAX_ATTEMPTS
    parts = len(TILTS) + 9  # one of each was looked at
    assert 20 <= asked[True] * parts * MAX_EPOCHS <= MAX_CONFIRMED


def test_each_effort_looks_further_than_the_one_before() -> None:
    readers = [EpochReader(KEYRING.epochs[0], 0, MAX_ATTEMPTS)]
    stages = [len(list(Looks(photo("coffee"), readers).stages(effort))) for effort in Effort]
    assert stages == sorted(stages)
    assert len(set(stages)) == len(stages)
    assert list(Looks(np.zeros((40, 400, 3), np.uint8), readers).stages(Effort.THOROUGH)) == []


def test_a_view_is_the_middle_of_a_long_image() -> None:
    seen = view_of(np.zeros((100, 900, 3), np.uint8))
    assert (seen.seen, seen.corner) == ((100, 200), (0, 350))
    part = view_of(np.zeros((100, 900, 3), np.uint8), (10, 20, 90, 120))
    assert (part.shape, part.seen, part.corner) == ((100, 900), (80, 100), (10, 20))
