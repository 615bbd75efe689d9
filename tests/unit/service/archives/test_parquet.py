import sys
from pathlib import Path

import pytest

from service.archives import parquet
from service.archives.row import Row
from service.kit.errors import BadRequest, Unavailable

ROWS = [
    Row(number=0, path="a", bytes=1, reasons=("x", "y"), inferred_p_synthetic=0.5),
    Row(number=1, path="é", error="too_large", message="why", seconds=0.25),
    Row(number=2, path="c"),
]
FACTS = {"source": '"somewhere"'}


def rows(path: Path) -> list[Row]:
    return [Row(**row) for batch in parquet.batches(path) for row in batch.to_pylist()]


def test_parts_are_merged_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [tmp_path / "2.parquet", tmp_path / "1.parquet", tmp_path / "0.parquet"]
    for part, row in zip(parts, ROWS, strict=True):
        parquet.write_part(part, [row], FACTS)
    for group in (1, 2, 100):
        monkeypatch.setattr(parquet, "_GROUP", group)
        parquet.merge(parts, tmp_path / "all.parquet", FACTS)
        assert rows(tmp_path / "all.parquet") == ROWS
    assert parquet.facts_of(tmp_path / "all.parquet") == FACTS
    assert parquet.rows_in(tmp_path / "all.parquet") == 3


def test_an_empty_table_has_all_columns(tmp_path: Path) -> None:
    parquet.merge([], tmp_path / "empty.parquet", FACTS)
    assert parquet.rows_in(tmp_path / "empty.parquet") == 0


def test_a_file_that_is_not_whole_has_no_rows(tmp_path: Path) -> None:
    part = tmp_path / "part.parquet"
    assert parquet.rows_in(part) is None
    parquet.write_part(part, ROWS, FACTS)
    part.write_bytes(part.read_bytes()[:-20])
    assert parquet.rows_in(part) is None
    with pytest.raises(BadRequest):
        parquet.facts_of(part)


def test_without_pyarrow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet.check_installed()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(Unavailable) as missing:
        parquet.check_installed()
    assert "countermark[archive]" in missing.value.hint
