import json
from pathlib import Path

from service.archives import parquet
from service.archives.row import Row
from service.archives.run_folder import Plan, Run
from service.archives.summary import summarise


def table(path: Path, rows: list[Row]) -> Path:
    facts = Run(Plan("somewhere", True, None), len(rows), 8).facts
    parquet.write_part(path / "part", rows, facts)
    parquet.merge([path / "part"], path / "r.parquet", facts)
    return path / "r.parquet"


def test_it_counts_and_shows_the_slowest_and_the_first(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    rows = [
        Row(
            number=number,
            path=f"{number}.png",
            bytes=10,
            verdict="inconclusive" if number % 5 else None,
            inferred_kind="night" if number % 2 else None,
            error=None if number % 5 else "too_large",
            seconds=float(number % 30),
        )
        for number in range(60)
    ]
    path = table(tmp_path, rows)
    whole = summarise(path)
    assert (whole.source, whole.files, whole.bytes, whole.reports) == ("somewhere", 60, 600, 48)
    assert whole.counts["verdict"] == {"inconclusive": 48}
    assert whole.counts["error"] == {"too_large": 12}
    assert whole.counts["inferred_kind"] == {"night": 30}
    assert [row["number"] for row in whole.slowest] == [29, 59, 28, 58, 27, 57, 26, 56, 25, 55]
    assert [row["number"] for row in whole.sample] == [0, 1, 2, 3, 5, 10]
    monkeypatch.setattr(parquet, "_GROUP", 7)
    assert summarise(path) == whole
    counted = json.loads(whole.as_json())
    assert (counted["files"], counted["reports"], counted["errors"]) == (60, 48, {"too_large": 12})


def test_an_empty_table_has_a_summary(tmp_path: Path) -> None:
    empty = summarise(table(tmp_path, []))
    assert (empty.files, empty.reports, empty.slowest, empty.sample) == (0, 0, [], [])
