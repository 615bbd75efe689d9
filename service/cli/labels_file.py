"""CSV files of labels: what images show, and what they are, by their paths below a folder."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from service.kit.errors import BadRequest
from service.storage import Label


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One image. `label`: None in a file without this column. `kind`: None if it is not said."""

    file: str
    label: Label | None
    kind: str | None


def read(path: Path, column: str) -> dict[str, LabelLine]:
    """Lines by path. `column`: `kind` or `label`, which the file must have beside `file`; a line without it counts not.

    Raises:
        BadRequest: the file is not such a table.
    """
    hint = f"Give a CSV file with a heading line `file,{column}` and a line for each image."
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            headed = {"file", column} <= set(table.fieldnames or ())
            rows = list(table)
        if not headed:
            raise KeyError(column)
        lines = [_line(row) for row in rows if row[column].strip()]
    except OSError as gone:
        raise BadRequest(f"{path} cannot be read: {gone.strerror}", hint=hint) from gone
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as bad:
        raise BadRequest(f"{path} is not a table of {column}s", hint=hint) from bad
    return {line.file: line for line in lines}


def write(lines: Iterable[LabelLine]) -> bytes:
    """The file, as `read` takes it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("file", "label", "kind"))
    table.writerows((line.file, line.label or "", line.kind or "") for line in lines)
    return text.getvalue().encode()


def _line(row: dict[str, str]) -> LabelLine:
    label = (row.get("label") or "").strip()
    if label and label not in get_args(Label):
        raise ValueError(label)
    found = next((each for each in get_args(Label) if each == label), None)
    return LabelLine(Path(row["file"]).as_posix(), found, (row.get("kind") or "").strip() or None)
