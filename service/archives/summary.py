"""What a table shows as a whole: counts, the slowest files and some rows, read in one pass."""

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.archives import parquet

COUNTED = ("verdict", "outcome", "inferred_kind", "mime", "error")
"""Columns whose values are counted."""

_SHOWN = ("number", "path", "mime", "width", "height", "verdict", "outcome", "inferred_p_synthetic", "error", "seconds")
_SLOWEST = 10
_SAMPLES = 3  # of each verdict, and of each error

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """`counts`: by column and value, the most frequent first. `seconds`: of all workers together.

    `slowest` and `sample` are rows with the columns that are shown; the sample has the first of each verdict and error.
    """

    source: str
    files: int
    bytes: int
    seconds: float
    counts: Mapping[str, Mapping[str, int]]
    slowest: Sequence[Row]
    sample: Sequence[Row]

    @property
    def reports(self) -> int:
        """Files that were examined; the others have an error."""
        return sum(self.counts["verdict"].values())

    def as_json(self) -> str:
        """Its counts as one JSON object."""
        return json.dumps(
            {
                "source": self.source,
                "files": self.files,
                "bytes": self.bytes,
                "reports": self.reports,
                "seconds": round(self.seconds, 3),
                **{f"{column}s": dict(counted) for column, counted in self.counts.items()},
            }
        )


def summarise(path: Path) -> Summary:
    """The summary of a table. Memory does not grow with it. Raises BadRequest if it is none of ours."""
    facts = parquet.facts_of(path)
    counts: dict[str, Counter[str]] = {column: Counter() for column in COUNTED}
    slowest: list[tuple[float, int, Row]] = []
    sample: dict[int, Row] = {}
    files = octets = 0
    seconds = 0.0
    for batch in parquet.batches(path, [*_SHOWN, "inferred_kind", "bytes"]):
        files += batch.num_rows
        octets += sum(size for size in batch["bytes"].to_pylist() if size)
        spent = batch["seconds"].to_pylist()
        seconds += sum(spent)
        fresh = dict(_first_ones(batch, counts))
        for column, counter in counts.items():
            counter.update(value for value in batch[column].to_pylist() if value is not None)
        sample |= fresh
        for at in heapq.nlargest(_SLOWEST, range(len(spent)), key=spent.__getitem__):
            heapq.heappush(slowest, (spent[at], -batch["number"][at].as_py(), _row(batch, at)))
        slowest = heapq.nlargest(_SLOWEST, slowest, key=lambda each: each[:2])
    return Summary(
        source=json.loads(facts["source"]),
        files=files,
        bytes=octets,
        seconds=seconds,
        counts={column: dict(counter.most_common()) for column, counter in counts.items()},
        slowest=[row for *_, row in slowest],
        sample=[sample[number] for number in sorted(sample)],
    )


def _first_ones(batch: Any, counts: Mapping[str, Counter[str]]) -> Iterator[tuple[int, Row]]:
    """Rows of verdicts and errors of which there were few so far, by their numbers."""
    for column in ("verdict", "error"):
        seen = Counter(counts[column])
        for at, value in enumerate(batch[column].to_pylist()):
            if value is not None and seen[value] < _SAMPLES:
                seen[value] += 1
                yield batch["number"][at].as_py(), _row(batch, at)


def _row(batch: Any, at: int) -> Row:
    return {column: batch[column][at].as_py() for column in _SHOWN}
