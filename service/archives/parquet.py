"""The table as Parquet: written in parts, and merged. The only code that knows pyarrow."""

import contextlib
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

from service.archives.row import Row
from service.kit.errors import BadRequest, Unavailable

_GROUP = 1 << 14  # rows that are held at once, and that a reader of the table can skip together
_PREFIX = b"countermark."


def _arrow(name: str = "pyarrow") -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise Unavailable(
            "pyarrow, which writes the table, is not installed", hint="pip install 'countermark[archive]'"
        ) from missing


def check_installed() -> None:
    """Raises Unavailable if tables cannot be written here."""
    _arrow("pyarrow.parquet")


def schema(facts: Mapping[str, str]) -> Any:
    """The columns of `Row`, with `facts` about the run as metadata."""
    arrow = _arrow()
    kinds = {int: arrow.int64(), float: arrow.float64(), str: arrow.string(), tuple: arrow.list_(arrow.string())}
    fields = []
    for name, field in Row.model_fields.items():
        kind: Any = field.annotation
        named = (kind, get_origin(kind), *get_args(kind))
        found = next(kinds[each] for each in named if each in kinds)
        fields.append(arrow.field(name, found, nullable=not field.is_required()))
    return arrow.schema(fields, metadata={_PREFIX + name.encode(): value.encode() for name, value in facts.items()})


def write_part(path: Path, rows: Sequence[Row], facts: Mapping[str, str]) -> None:
    """Write rows as one file: it is there whole, or not at all."""
    arrow = _arrow()
    table = arrow.Table.from_pylist([row.model_dump() for row in rows], schema=schema(facts))
    with _replaced(path) as temporary:
        _arrow("pyarrow.parquet").write_table(table, temporary)


def merge(parts: Iterable[Path], path: Path, facts: Mapping[str, str]) -> None:
    """Write the rows of all parts, in their order, as one file. Memory does not grow with their number."""
    arrow, parquet = _arrow(), _arrow("pyarrow.parquet")
    with _replaced(path) as temporary, parquet.ParquetWriter(temporary, schema(facts)) as writer:
        held: list[Any] = []
        for part in parts:
            held.append(parquet.read_table(part, partitioning=None))
            if sum(len(table) for table in held) >= _GROUP:
                writer.write_table(_joined(arrow, held, facts))
                held = []
        if held:
            writer.write_table(_joined(arrow, held, facts))


def _joined(arrow: ModuleType, tables: Sequence[Any], facts: Mapping[str, str]) -> Any:
    return arrow.concat_tables([table.replace_schema_metadata(None) for table in tables]).cast(schema(facts))


def rows_in(path: Path) -> int | None:
    """The number of rows of a file; None if it is no whole Parquet file of this version's columns."""
    arrow, parquet = _arrow(), _arrow("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            same = file.schema_arrow.remove_metadata().equals(schema({}).remove_metadata())
            return int(file.metadata.num_rows) if same else None
    except (OSError, arrow.ArrowException):
        return None


def facts_of(path: Path) -> dict[str, str]:
    """What the table says about its run. Raises BadRequest if it is not one of ours."""
    if rows_in(path) is None:
        raise BadRequest(f"{path} is no table of `countermark archive examine`", hint="Name another file.")
    found = _arrow("pyarrow.parquet").read_schema(path).metadata or {}
    return {
        name.removeprefix(_PREFIX).decode(): value.decode() for name, value in found.items() if name.startswith(_PREFIX)
    }


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """The rows in order, as pyarrow's record batches of at most 16,384."""
    with _arrow("pyarrow.parquet").ParquetFile(path) as file:
        yield from file.iter_batches(_GROUP, columns=columns)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder; the file is moved to `path` once it is on the disk."""
    temporary = path.with_name(f".{path.name}.writing")
    yield temporary
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
