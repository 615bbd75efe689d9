"""Third-party watermarks: which codecs are opened, and what a report says about their answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from service.examiner.examiner import Examiner
from service.examiner.lanes import LANES, foreign
from service.examiner.lanes.foreign import ForeignLane
from service.examiner.sections import WatermarkReading
from service.installation import Installation
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from service.media.pictures import ImageLimits
from tests.assets.hostile import save
from tests.support.evidence import sources_of
from watermark.foreign import stock
from watermark.foreign.protocol import CodecError, ForeignReading
from watermark.foreign.stock import STOCK, StockMarks

LIST = """
[[mark]]
name = "our archive"
method = "dwtDctSvd"
text = "an archive"
synthetic = false

[[mark]]
name = "a studio"
method = "rivaGan"
bits = "01100001011000100110001101100100"
"""


@pytest.fixture
def with_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "available", lambda: True)


def listing(settings: Settings, path: Path, text: str) -> Settings:
    path.write_text(text)
    return settings.model_copy(update={"foreign_watermarks_file": path})


def test_stock_marks_need_no_extra(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "available", lambda: False)
    (reader,) = foreign.foreign_codecs(settings)
    assert reader.name == StockMarks.name
    blocks = LIST.split("\n\n", maxsplit=1)[0]
    assert len(foreign.foreign_codecs(listing(settings, tmp_path / "m.toml", blocks))) == 1


@pytest.mark.usefixtures("with_extra")
def test_an_operators_messages_join_the_stock_ones(settings: Settings, tmp_path: Path) -> None:
    (reader,) = foreign.foreign_codecs(listing(settings, tmp_path / "m.toml", LIST))
    assert isinstance(reader, StockMarks)
    by_method = reader._by_method
    assert [one.name for one in by_method["dwtDct"]] == [one.name for one in STOCK]
    assert [(one.name, one.synthetic) for one in by_method["dwtDctSvd"]] == [("our archive", False)]
    assert [(one.name, len(one.bits)) for one in by_method["rivaGan"]] == [("a studio", 32)]


def test_they_can_be_switched_off(settings: Settings) -> None:
    assert foreign.foreign_codecs(settings.model_copy(update={"foreign_watermarks": False})) == []


@pytest.mark.usefixtures("with_extra")
@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[[mark]", "m.toml"),
        ("", "mark"),
        ('[[mark]]\nname = "x"\nmethod = "dct"\nbits = "01"', "method"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"\nbits = "01"', "too few"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"', "either bits or text"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"\ntext = "' + "long" * 33 + '"', "1056 bits are too many"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"\nbits = "' + "0" * 40 + '"', "nearly all bits are alike"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"\nbits = "' + "0" + "1" * 39 + '"', "nearly all bits are alike"),
        ('[[mark]]\nname = "x"\nmethod = "rivaGan"\ntext = "archive"', "carries 32 bits, not 56"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"\nbits = "012"', "bits"),
        ('[[mark]]\nname = "x"\nmethod = "dwtDct"\ncolour = "red"', "colour"),
    ],
)
def test_lists_that_cannot_be_used(settings: Settings, tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(Misconfigured, match=wrong):
        foreign.foreign_codecs(listing(settings, tmp_path / "m.toml", text))


def test_a_list_wants_a_file_and_rivagan_the_extra(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        foreign.foreign_codecs(settings.model_copy(update={"foreign_watermarks_file": tmp_path / "none.toml"}))
    monkeypatch.setattr(stock, "available", lambda: False)
    with pytest.raises(Misconfigured, match="needs the extra"):
        foreign.foreign_codecs(listing(settings, tmp_path / "m.toml", LIST))


def test_a_broken_plug_in_stops_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[object]:
        raise CodecError("the codec x cannot be loaded")

    monkeypatch.setattr(foreign, "plugged_in", broken)
    with pytest.raises(Misconfigured, match="the codec x"):
        foreign.foreign_codecs(settings)


class Says:
    """A codec that answers as it is told."""

    name = "org.example.mark"

    def __init__(self, *readings: ForeignReading) -> None:
        self._readings = readings

    def read(self, rgb: np.ndarray) -> Sequence[ForeignReading]:
        if not self._readings:
            raise RuntimeError("weights are gone")
        return [reading for reading in self._readings if reading.payload]


def examiner(installation: Installation, codec: Says) -> Examiner:
    sources = sources_of(installation)
    lanes = [ForeignLane([codec]) if lane is ForeignLane else lane.open(sources) for lane in LANES]
    return Examiner(sources, ImageLimits(1 << 24, 1 << 24), lanes)


PICTURE = save(Image.fromarray(photos.astronaut()), "PNG")


def test_another_generators_mark_is_reported_and_judged(installation: Installation) -> None:
    codec = Says(ForeignReading("Stable Diffusion XL's stock mark", "b3ec", 0.98, synthetic=True))
    report = examiner(installation, codec).examine(PICTURE)
    ours, theirs = report.marked
    assert ours.present is False
    assert (theirs.codec, theirs.present, theirs.name) == (codec.name, True, "Stable Diffusion XL's stock mark")
    assert (theirs.payload, theirs.confidence, theirs.synthetic) == ("b3ec", 0.98, True)
    assert report.verdict == "marked_synthetic"
    assert report.outcome == "nothing_found"  # anybody can write that mark
    assert "foreign_mark_found" in [reason.code for reason in report.reasons]


def test_a_mark_that_not_only_generators_make_decides_nothing(installation: Installation) -> None:
    report = examiner(installation, Says(ForeignReading("an archive", "01", 1.0))).examine(PICTURE)
    assert report.marked[1].present
    assert report.verdict == "inconclusive"


def test_no_mark_is_an_answer_too(installation: Installation) -> None:
    report = examiner(installation, Says(ForeignReading("nobody", "", 1.0))).examine(PICTURE)
    assert [mark.present for mark in report.marked] == [False, False]
    assert report.verdict == "inconclusive"


def test_a_codec_that_fails_says_so_in_its_place(installation: Installation) -> None:
    report = examiner(installation, Says()).examine(PICTURE)
    assert report.marked[1].present is False
    assert report.marked[1].note == "This codec failed: RuntimeError"  # the rest may hold anything: it is in the log


class Gives(Says):
    """A codec whose answer is whatever it is."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def read(self, rgb: np.ndarray) -> Sequence[ForeignReading]:
        return self._answer  # type: ignore[return-value]


SMALL = save(Image.fromarray(photos.astronaut()[:64, :64]), "PNG")
GOOD = ForeignReading("a studio", "b3ec", 1.0)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        [None],
        [("a studio", "b3ec")],
        [ForeignReading("a studio", b"\xff\xfe", 1.0)],  # type: ignore[arg-type]  # it has no right to
        [ForeignReading("a studio", 123, 1.0)],  # type: ignore[arg-type]  # it has no right to
        [ForeignReading("a studio", "b3ec", None)],  # type: ignore[arg-type]  # it has no right to
        [ForeignReading("a studio", "b3ec", float("nan"))],
        [ForeignReading("a studio", "b3ec", float("inf"))],
        [ForeignReading("a studio", "b3ec", 1.5)],
        [ForeignReading("a studio", "b3ec", -1)],
        [GOOD, ForeignReading("a studio", "b3ec", 1.0, synthetic="perhaps")],  # type: ignore[arg-type]  # it has no right to
        map(int, "x"),
    ],
)
def test_a_codec_that_answers_nonsense_says_so_in_its_place(installation: Installation, answer: object) -> None:
    """Nothing of such an answer counts, and nothing of it is a failure of the examiner."""
    ours, theirs = examiner(installation, Gives(answer)).examine(SMALL).marked
    assert theirs.present is False
    assert (theirs.note or "").startswith("This codec failed: ")
    assert not ours.present


def test_whatever_has_the_shape_of_readings_is_welcome(installation: Installation) -> None:
    single = np.float32(1)
    for answer in ((GOOD,), iter([GOOD]), [ForeignReading("a studio", "b3ec", single)]):  # type: ignore[arg-type]
        assert examiner(installation, Gives(answer)).examine(SMALL).marked[1].present


def test_lines() -> None:
    found = WatermarkReading(codec="x", present=True, name="a studio", confidence=0.98)
    failed = WatermarkReading(codec="y", present=False, note="This codec failed: RuntimeError")
    absent = WatermarkReading(codec="z", present=False)
    assert list(ForeignLane.lines([found, failed, absent])) == [
        "x: a studio, 98% of its bits match",
        "y: This codec failed: RuntimeError",
        "z: no mark",
    ]
