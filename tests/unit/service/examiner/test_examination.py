from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.examiner.examination import Examination, Sources, Trace
from service.installation import Installation
from service.ledger.issued_edit import IssuedEdit
from service.media.pictures import ImageLimits, decode
from tests.assets.hostile import picture, save
from tests.support.credentials import read
from tests.support.evidence import issue, reading
from watermark import Reading
from watermark.c2pa.credentials import Credential

EDIT = IssuedEdit(65536, 900, 800, 8, 30.0)
IMAGE = decode(save(picture(), "PNG"), ImageLimits(1 << 20, 1 << 20))


class Scripted:
    """Codec, credentials and ledger at once; counts what they are asked."""

    def __init__(self, marked: bool = True, known: bool = True) -> None:
        self.marked, self.known = marked, known
        self.asked: Counter[str] = Counter()

    def extract(self, _rgb: object) -> object:
        self.asked["codec"] += 1
        return reading(1) if self.marked else None

    def read(self, _data: bytes, _mime: str, _manifest: bytes | None) -> Credential:
        self.asked["credentials"] += 1
        return read("absent")

    def by_mark(self, _mark_id: int) -> object:
        self.asked["by_mark"] += 1
        return issue() if self.known else None

    def by_sha256(self, _sha256: str) -> None:
        self.asked["by_sha256"] += 1

    def edit_of(self, _content_id: str) -> IssuedEdit | None:
        self.asked["edit_of"] += 1
        return EDIT


def examination(source: Scripted) -> Examination:
    scripted: Any = source
    return Examination(IMAGE, Sources(scripted, scripted, scripted, scripted, scripted))


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


@pytest.mark.parametrize("classify", [True, False])
def test_lanes_share_one_reading_of_the_watermark(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, classify: bool
) -> None:
    calls: list[object] = []
    extract = installation.codec.extract

    def counted(rgb: NDArray[np.uint8]) -> Reading | None:
        calls.append(rgb)
        return extract(rgb)

    monkeypatch.setattr(installation.codec, "extract", counted)
    installation.examiner.examine(save(picture(), "PNG"), classify=classify)
    assert len(calls) == 1
