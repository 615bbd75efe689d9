from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.examiner.examination import Examination, Sources, Trace
from service.installation import Installation
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue
from service.media.pictures import ImageLimits, Picture, decode, encode
from tests.assets.hostile import picture, save
from tests.support.credentials import read
from tests.support.evidence import issue, reading
from tests.support.painter import landscape
from watermark import Effort, Extraction, KnownMark, Presence

EDIT = IssuedEdit(65536, 900, 800, 8, 30.0)
NOTHING = KnownMark(0.5, 0.5, 16)
IMAGE = decode(save(picture(), "PNG"), ImageLimits(1 << 20, 1 << 20))
FEATURED = decode(encode(landscape(1, 64, 64), "png")[0], ImageLimits(1 << 20, 1 << 20))


class Scripted:
    """Codec, credentials and ledger at once; counts what they are asked."""

    def __init__(
        self,
        marked: bool = True,
        known: bool = True,
        known_mark: KnownMark = NOTHING,
        presence: Presence | None = None,
    ) -> None:
        self.marked, self.known, self.known_mark, self.presence = marked, known, known_mark, presence
        self.asked: Counter[str] = Counter()
        self.distance = 20

    def read(self, _data: object, effort: object, *_: object) -> object:
        """As codec, whose second argument is an effort, or as credentials."""
        if not isinstance(effort, Effort):
            self.asked["credentials"] += 1
            return read("absent")
        self.asked["codec"] += 1
        return Extraction((reading(1),) if self.marked else (), self.presence)

    def look_for(self, _rgb: object, mark_id: int, issued: tuple[int, int]) -> KnownMark:
        self.asked["look_for"] += 1
        assert (mark_id, issued) == (1, (1, 1))
        return self.known_mark

    def similar(self, _bits: bytes, _within: int, _most: int) -> list[tuple[Issue, int]]:
        return [(issue(), self.distance)] if self.known else []

    def by_mark(self, _mark_id: int) -> object:
        self.asked["by_mark"] += 1
        return issue() if self.known else None

    def by_sha256(self, _sha256: str) -> None:
        self.asked["by_sha256"] += 1

    def edit_of(self, _content_id: str) -> IssuedEdit | None:
        self.asked["edit_of"] += 1
        return EDIT


def examination(source: Scripted, image: Picture = IMAGE) -> Examination:
    scripted: Any = source
    return Examination(image, Sources(scripted, scripted, scripted, scripted, scripted))


def test_everything_is_computed_at_most_once() -> None:
    source = Scripted()
    examined = examination(source)
    assert source.asked == {}
    for _ in range(3):
        _ = examined.trace, examined.credential, examined.issued_file, examined.fingerprint
    assert source.asked == {"codec": 1, "by_mark": 1, "credentials": 1, "by_sha256": 1, "edit_of": 1}


def test_a_trace_ends_where_nothing_is_known() -> None:
    assert examination(Scripted(marked=False)).trace == Trace()
    unknown = examination(Scripted(known=False)).trace
    assert unknown.reading is not None
    assert (unknown.issue, unknown.same_image, unknown.distance, unknown.edit) == (None, None, None, None)
    known = examination(Scripted()).trace
    assert known.issue == issue()
    assert known.distance is not None
    assert known.edit == EDIT


@pytest.mark.parametrize(
    ("message", "presence", "distance", "searches"),
    [
        (0.5, None, 20, 1),
        (0.5, None, 40, 2),
        (9.0, None, 40, 1),
        (0.5, Presence(7.0, 0.009), 20, 2),
        (0.5, Presence(5.0, 0.1), 20, 1),
    ],
)
def test_a_sign_of_a_mark_is_worth_a_thorough_search(
    message: float, presence: Presence | None, distance: int, searches: int
) -> None:
    source = Scripted(marked=False, known_mark=KnownMark(message, 0.5, 16), presence=presence)
    source.distance = distance
    trace = examination(source, FEATURED).trace
    assert trace.reading is None
    assert trace.presence == presence
    assert [each.kind.value for each in trace.known] == (["carried"] if message == 9 else [])
    assert source.asked["codec"] == searches


def test_of_several_marks_that_of_the_most_similar_image_decides() -> None:
    source: Any = Scripted()
    source.read = lambda *_: Extraction((reading(7), reading(1)), None)
    source.by_mark = lambda mark_id: issue() if mark_id == 1 else None
    trace = examination(source).trace
    assert trace.reading is not None
    assert trace.reading.mark_id == 1
    assert [other.reading.mark_id for other in trace.others if other.reading] == [7]


@pytest.mark.parametrize("classify", [True, False])
def test_lanes_share_one_reading_of_the_watermark(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, classify: bool
) -> None:
    calls: list[object] = []
    real = installation.codec.read

    def counted(rgb: NDArray[np.uint8], effort: Effort) -> Extraction:
        calls.append(rgb)
        return real(rgb, effort)

    monkeypatch.setattr(installation.codec, "read", counted)
    installation.examiner.examine(save(picture(), "PNG"), classify=classify)
    assert len(calls) == 1
