from dataclasses import replace
from pathlib import Path

import pytest

from service.archives import parquet
from service.archives.examine import ArchiveExamination, examine_archive
from service.archives.row import Row
from service.archives.run_folder import RunFolder
from service.kit.errors import BadRequest, FileUnreadable
from tests.support.archives import Inline, Quiet, fill


@pytest.fixture
def wanted(tmp_path: Path) -> ArchiveExamination:
    return ArchiveExamination(str(fill(tmp_path / "files", 20)), tmp_path / "r.parquet")


def rows(wanted: ArchiveExamination) -> list[Row]:
    return [Row(**row) for batch in parquet.batches(wanted.out) for row in batch.to_pylist()]


def test_every_file_has_one_row_in_the_order_of_the_listing(wanted: ArchiveExamination) -> None:
    observer = Quiet()
    summary = examine_archive(wanted, Inline(), observer)
    found = rows(wanted)
    assert [row.number for row in found] == list(range(20))
    assert [row.path for row in found] == [f"{number:04}.bin" for number in range(20)]
    assert [row.error for row in found[:4]] == [None, None, "unsupported_format", "broken_picture"]
    assert (summary.files, summary.reports, observer.files, observer.done) == (20, 10, 20, 20)
    assert not RunFolder.beside(wanted.out).exists


def test_what_exists_is_not_overwritten_without_being_told(wanted: ArchiveExamination) -> None:
    examine_archive(wanted, Inline(), Quiet())
    with pytest.raises(BadRequest, match="already exists"):
        examine_archive(wanted, Inline(), Quiet())
    (Path(wanted.source) / "more").write_bytes(b"nothing")
    assert examine_archive(replace(wanted, force=True), Inline(), Quiet()).files == 21


class Broken(Inline):
    """Ends after its first shard."""

    def run(self, shards, options, seen):  # type: ignore[no-untyped-def]
        yield next(super().run(shards, options, seen))
        raise KeyboardInterrupt


def test_a_run_that_was_stopped_goes_on(wanted: ArchiveExamination) -> None:
    with pytest.raises(KeyboardInterrupt):
        examine_archive(wanted, Broken(), Quiet())
    with pytest.raises(BadRequest, match="unfinished run"):
        examine_archive(wanted, Inline(), Quiet())
    (Path(wanted.source) / "0010.bin").unlink()  # listed, and gone since
    (Path(wanted.source) / "new").write_bytes(b"nothing")
    engine, observer = Inline(), Quiet()
    examine_archive(replace(wanted, resume=True), engine, observer)
    assert [shard.number for shard in engine.shards] == [1, 2]
    assert observer.done == 20
    found = rows(wanted)
    assert [row.number for row in found] == list(range(20))
    assert found[10].error == "file_unreadable"
    again = examine_archive(replace(wanted, resume=True), engine, observer)  # it is done
    assert (again.files, len(engine.shards)) == (20, 2)


@pytest.mark.parametrize("other", [{"classify": False}, {"limit": 5}, {"source": "elsewhere"}])
def test_another_run_is_not_mixed_in(wanted: ArchiveExamination, other: dict[str, object]) -> None:
    with pytest.raises(KeyboardInterrupt):
        examine_archive(wanted, Broken(), Quiet())
    with pytest.raises(BadRequest, match="differs in"):
        examine_archive(replace(wanted, resume=True, **other), Inline(), Quiet())  # type: ignore[arg-type]
    examine_archive(replace(wanted, resume=True), Inline(), Quiet())
    with pytest.raises(BadRequest, match="differs in"):
        examine_archive(replace(wanted, resume=True, **other), Inline(), Quiet())  # type: ignore[arg-type]


def test_a_run_that_was_started_again_is_not_taken_for_the_old_one(wanted: ArchiveExamination) -> None:
    examine_archive(replace(wanted, limit=3), Inline(), Quiet())
    with pytest.raises(KeyboardInterrupt):
        examine_archive(replace(wanted, force=True), Broken(), Quiet())
    assert len(rows(wanted)) == 3  # until the new one is whole
    assert examine_archive(replace(wanted, resume=True), Inline(), Quiet()).files == 20


def test_nothing_begins_that_could_not_end(wanted: ArchiveExamination, tmp_path: Path) -> None:
    for out in (tmp_path, tmp_path / "gone" / "r.parquet"):
        with pytest.raises(BadRequest):
            examine_archive(replace(wanted, out=out), Inline(), Quiet())
    with pytest.raises(FileUnreadable):
        examine_archive(replace(wanted, source=str(tmp_path / "gone")), Inline(), Quiet())
    (tmp_path / "empty").mkdir()
    summary = examine_archive(replace(wanted, source=str(tmp_path / "empty"), resume=True), Inline(), Quiet())
    assert summary.files == 0
