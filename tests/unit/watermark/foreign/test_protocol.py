"""Codecs that operators plug in."""

from collections.abc import Callable
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from watermark.foreign import protocol
from watermark.foreign.protocol import CodecError, ForeignCodec, ForeignReading, plugged_in
from watermark.foreign.stock import StockMarks


class Archive:
    """Reads a mark that is one white corner."""

    name = "org.example.corner"

    def read(self, rgb: np.ndarray) -> list[ForeignReading]:
        return [ForeignReading("the archive", "01", 1.0)] if rgb[:8, :8].min() == 255 else []


class Nameless:
    def read(self, rgb: np.ndarray) -> list[ForeignReading]:
        return []


def broken() -> None:
    raise OSError("no weights")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(*targets: str) -> None:
        entries = [
            EntryPoint(f"e{number}", f"{__name__}:{target}", protocol.GROUP) for number, target in enumerate(targets)
        ]
        monkeypatch.setattr(protocol, "entry_points", lambda group: entries if group == "countermark.codecs" else [])

    return install


def test_nothing_is_plugged_in(installed: Callable[..., None]) -> None:
    installed()
    assert plugged_in() == []


def test_a_codec_is_found_by_its_entry_point(installed: Callable[..., None]) -> None:
    installed("Archive")
    (codec,) = plugged_in()
    assert codec.name == "org.example.corner"
    assert codec.read(np.full((9, 9, 3), 255, np.uint8))[0].name == "the archive"


@pytest.mark.parametrize("target", ["broken", "Nameless", "missing", "PHOTOS"])
def test_what_is_no_codec_is_refused_by_name(target: str, installed: Callable[..., None]) -> None:
    installed("Archive", target)
    with pytest.raises(CodecError, match="e1"):
        plugged_in()


def test_ours_has_the_shape() -> None:
    assert isinstance(StockMarks(), ForeignCodec)
