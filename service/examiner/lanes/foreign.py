"""Third-party watermarks in the pixels: those of public generators, an operator's own list, and plug-in codecs."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.examiner.codes import ReasonCode, Topic, holding
from service.examiner.examination import Examination, Sources
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import WatermarkReading
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from service.media.pictures import Picture
from watermark.foreign import stock
from watermark.foreign.protocol import CodecError, ForeignCodec, ForeignReading, plugged_in
from watermark.foreign.stock import Message, Method, StockMarks

_EXTRA = "pip install 'countermark[foreign-marks]', or unset it."
_FORMAT = "docs/watermark.md shows the format."

log = structlog.get_logger()


class ForeignReason(ReasonCode):
    FOUND = (
        "foreign_mark_found",
        Topic.WATERMARK,
        "The pixels carry a watermark that another generator embeds in its images.",
    )


class ForeignLane(Lane[list[WatermarkReading]]):
    """Third-party watermarks. Those that only generators embed decide; the rest are only reported."""

    field = "marked"
    reasons = ForeignReason
    does_not_prove = "Other makers' marks are read as published and can be copied onto an image."

    def __init__(self, codecs: Sequence[ForeignCodec]) -> None:
        self._codecs = codecs

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls(foreign_codecs(sources.settings))

    def find(self, examination: Examination) -> Finding[list[WatermarkReading]]:
        return finding([mark for codec in self._codecs for mark in _read(codec, examination.picture)])

    @staticmethod
    def lines(section: list[WatermarkReading]) -> Iterator[str]:
        for mark in section:
            if mark.present:
                yield f"{mark.codec}: {mark.name}, {mark.confidence:.0%} of its bits match"
            else:
                yield f"{mark.codec}: {mark.note or 'no mark'}"


def finding(readings: list[WatermarkReading]) -> Finding[list[WatermarkReading]]:
    """What third-party watermarks show."""
    synthetic = any(reading.synthetic for reading in readings)
    return Finding(
        section=readings,
        signals=frozenset(holding({Signal.GENERATOR_MARK: synthetic})),
        reasons=holding({ForeignReason.FOUND: synthetic}),
    )


def _read(codec: ForeignCodec, picture: Picture) -> list[WatermarkReading]:
    """One codec's answer. A codec that fails says so in its place and does not keep the rest from the report."""
    try:
        found = [_reading(codec.name, reading) for reading in codec.read(picture.rgb)]
    except Exception as failed:  # noqa: BLE001 - third-party code can raise anything
        # The message may hold paths or parts of the image: only the operator may see it.
        log.error("codec_failed", codec=codec.name, error=repr(failed))
        return [WatermarkReading(codec=codec.name, present=False, note=f"This codec failed: {type(failed).__name__}")]
    return found or [WatermarkReading(codec=codec.name, present=False)]


def _reading(codec: str, reading: ForeignReading) -> WatermarkReading:
    """The reading as the report shows it.

    Raises ValueError, AttributeError or TypeError if it is not a reading: `WatermarkReading` checks types, not the
    range.
    """
    if not 0 < reading.confidence <= 1:  # NaN fails, too
        raise ValueError(f"confidence {reading.confidence} is not above 0 and at most 1")
    return WatermarkReading(
        codec=codec,
        present=True,
        name=reading.name,
        payload=reading.payload,
        confidence=reading.confidence,
        synthetic=reading.synthetic,
    )


class _Entry(BaseModel):
    """One `[[mark]]` of an operator's list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    method: Method
    bits: str | None = Field(None, pattern="^[01]+$")
    text: str | None = None
    synthetic: bool = True

    def message(self) -> Message:
        """Raises ValueError if such a message cannot be told from chance, or does not fit its method."""
        if (self.bits is None) == (self.text is None):
            raise ValueError(f"{self.name}: give either bits or text")
        bits = tuple(int(bit) for bit in self.bits) if self.bits is not None else stock.bits_of(self.text or "")
        if len(bits) < stock.MIN_BITS:
            raise ValueError(f"{self.name}: {len(bits)} bits are too few to tell from chance; use {stock.MIN_BITS}")
        if len(bits) > stock.MAX_BITS:
            raise ValueError(f"{self.name}: {len(bits)} bits are too many; use at most {stock.MAX_BITS}")
        if stock.is_plain(bits):
            raise ValueError(f"{self.name}: nearly all bits are alike, and so are those read from plain images")
        if self.method == "rivaGan" and len(bits) != stock.RIVAGAN_BITS:
            raise ValueError(f"{self.name}: rivaGan carries {stock.RIVAGAN_BITS} bits, not {len(bits)}")
        return Message(self.name, self.method, bits, self.synthetic)


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mark: list[_Entry]


def foreign_codecs(settings: Settings) -> list[ForeignCodec]:
    """The codecs this installation reads: stock watermarks, those of the operator's list, and every plug-in.

    Raises:
        Misconfigured: the operator's list cannot be used, or needs the extra; a plug-in cannot be loaded.
    """
    if not settings.foreign_watermarks:
        return []
    own = _listed(settings.foreign_watermarks_file) if settings.foreign_watermarks_file else []
    if any(message.method == "rivaGan" for message in own) and not stock.available():
        raise Misconfigured("rivaGan in COUNTERMARK_FOREIGN_WATERMARKS_FILE needs the extra foreign-marks", hint=_EXTRA)
    try:
        return [StockMarks([*stock.STOCK, *own]), *plugged_in()]
    except CodecError as broken:
        raise Misconfigured(str(broken), hint="Repair or uninstall that package.") from broken


def _listed(path: Path) -> list[Message]:
    try:
        entries = _List.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).mark
        return [entry.message() for entry in entries]
    except OSError as gone:
        raise Misconfigured(f"{path} cannot be read: {gone.strerror}") from gone
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Misconfigured(f"{path}: {place}: {first['msg']}", hint=_FORMAT) from wrong
    except ValueError as wrong:
        raise Misconfigured(f"{path}: {wrong}", hint=_FORMAT) from wrong
