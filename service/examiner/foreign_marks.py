"""Which marks of other people this installation reads: those of public generators, an operator's list, plug-ins."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from watermark.foreign import stock
from watermark.foreign.protocol import CodecError, ForeignCodec, plugged_in
from watermark.foreign.stock import Message, Method, StockMarks

_EXTRA = "pip install 'countermark[foreign-marks]', or unset it."


class _Entry(BaseModel):
    """One `[[mark]]` of an operator's list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    method: Method
    bits: str | None = Field(None, pattern="^[01]+$")
    text: str | None = None
    synthetic: bool = True

    def message(self) -> Message:
        if (self.bits is None) == (self.text is None):
            raise ValueError(f"{self.name}: give either bits or text")
        bits = tuple(int(bit) for bit in self.bits) if self.bits is not None else stock.bits_of(self.text or "")
        if len(bits) < stock.MIN_BITS:
            raise ValueError(f"{self.name}: {len(bits)} bits are too few to be told from chance; {stock.MIN_BITS} do")
        if len(bits) > stock.MAX_BITS:
            raise ValueError(f"{self.name}: {len(bits)} bits are too many; the longest message has {stock.MAX_BITS}")
        if stock.is_plain(bits):
            raise ValueError(f"{self.name}: nearly all bits are alike, and plain pictures say that by themselves")
        if self.method == "rivaGan" and len(bits) != stock.RIVAGAN_BITS:
            raise ValueError(f"{self.name}: rivaGan carries {stock.RIVAGAN_BITS} bits, not {len(bits)}")
        return Message(self.name, self.method, bits, self.synthetic)


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mark: list[_Entry]


def foreign_codecs(settings: Settings) -> list[ForeignCodec]:
    """The readers of other people's marks: stock marks where the extra is installed, and every plug-in.

    Raises:
        Misconfigured: the operator's list cannot be used, or needs the extra; a plug-in cannot be loaded.
    """
    if not settings.foreign_marks:
        return []
    own = _listed(settings.foreign_messages) if settings.foreign_messages else []
    if own and not stock.available():
        raise Misconfigured("COUNTERMARK_FOREIGN_MESSAGES needs the extra foreign-marks", hint=_EXTRA)
    readers: list[ForeignCodec] = [StockMarks([*stock.STOCK, *own])] if stock.available() else []
    try:
        return readers + plugged_in()
    except CodecError as broken:
        raise Misconfigured(str(broken), hint="Mend or uninstall that package.") from broken


def _listed(path: Path) -> list[Message]:
    try:
        entries = _List.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).mark
        return [entry.message() for entry in entries]
    except OSError as gone:
        raise Misconfigured(f"{path} cannot be read: {gone.strerror}") from gone
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Misconfigured(f"{path}: {place}: {first['msg']}", hint="docs/watermark.md shows the format.") from wrong
    except ValueError as wrong:
        raise Misconfigured(f"{path}: {wrong}", hint="docs/watermark.md shows the format.") from wrong
