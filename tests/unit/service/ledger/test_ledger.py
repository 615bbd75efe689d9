"""The ledger: what was issued is found, also when several processes write at once."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors import distance
from service.kit.errors import Misconfigured, Unavailable
from service.ledger.ledger import Ledger
from service.storage import HashRows
from service.storage.images import ImageRepository
from tests.support.database import engine_of, statements
from tests.support.issued import fill, issue
from tests.support.processes import CONTEXT


def test_what_was_issued_is_found(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.by_mark(2) == ledger.by_sha256(f"{2:064}") == ledger.by_content_id("urn:uuid:2") == issue(2)
    assert ledger.by_mark(9) is None


def test_similar_finds_the_nearest(ledger: Ledger) -> None:
    fill(ledger)
    found = ledger.similar((3).to_bytes(32, "big"), within=1)
    assert [(image.mark_id, far) for image, far in found] == [(3, 0), (1, 1), (2, 1)]
    assert ledger.similar(b"\xff" * 32, within=31) == []


def test_similar_in_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.similar(bytes(32), within=256) == []


def test_similar_is_a_naive_search(ledger: Ledger) -> None:
    """Nearest first, then oldest first, at most as many as asked for: also when images arrive between searches."""
    rng = np.random.default_rng(0)
    near = [bits.tobytes() for bits in rng.integers(0, 4, (30, 32), np.uint8)]  # 0 to 64 bits from zero, with ties
    for count, bits in enumerate(near, start=1):
        ledger.issue(replace(issue(100 - count), fingerprint=bits), {})
        if count % 5 == 0:
            expected = sorted((distance(bytes(32), bits), age) for age, bits in enumerate(near[:count]))
            for limit, most in ((256, 5), (31, 5), (30, 1), (33, 100)):
                found = [(99 - image.mark_id, far) for image, far in ledger.similar(bytes(32), limit, most)]
                assert found == [(age, far) for far, age in expected if far <= limit][:most]


def test_only_the_first_search_reads_the_fingerprints(ledger: Ledger) -> None:
    fill(ledger)
    ledger.similar(bytes(32), within=0)
    with statements(ledger) as seen:
        assert ledger.similar(b"\xff" * 32, within=31) == []
    assert [one for one in seen if "SELECT" in one] == ["SELECT max(images.number) AS max_1 FROM images"]
    with statements(ledger) as seen:
        (found,) = ledger.similar((1).to_bytes(32, "big"), within=0)
    assert found == (issue(1), 0)
    assert len([one for one in seen if "SELECT" in one]) == 2  # and the row of the image that was found


def test_an_image_of_another_process_is_read_alone(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    ledger.similar(bytes(32), within=0)
    elsewhere = Ledger.open(path)
    elsewhere.issue(issue(255), {})
    elsewhere.close()
    read = ImageRepository.fingerprints
    rows: list[int] = []

    def counted(self: ImageRepository, after: int = 0) -> HashRows:
        found = read(self, after)
        rows.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageRepository, "fingerprints", counted)
        found = ledger.similar((255).to_bytes(32, "big"), within=1)
        ledger.similar(bytes(32), within=1)
    assert found == [(issue(255), 0)]
    assert rows == [1]


def test_a_search_without_the_database_is_unavailable(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    ledger.similar(bytes(32), within=0)
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE images")
    with pytest.raises(Unavailable):
        ledger.similar(bytes(32), within=31)


def test_a_taken_id_is_refused_and_leaves_no_decision(ledger: Ledger) -> None:
    fill(ledger)
    with pytest.raises(Unavailable, match="taken"):
        ledger.issue(issue(2), {})
    assert ledger.verify().decisions == 4
    assert ledger.verify().problems == ()


def test_fresh_marks_are_48_bits(ledger: Ledger) -> None:
    assert all(0 <= ledger.fresh_mark_id() < 1 << 48 for _ in range(50))


def append(path: str, first: int) -> None:
    ledger = Ledger.open(f"sqlite:///{path}")
    for n in range(first, first + 15):
        ledger.issue(issue(n), {})


def test_processes_that_start_and_write_at_once_keep_one_chain(path: Path) -> None:
    writers = [CONTEXT.Process(target=append, args=(str(path), 100 * n)) for n in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    audit = Ledger.open(f"sqlite:///{path}").verify()
    assert (audit.decisions, audit.images, audit.problems) == (60, 60, ())


@pytest.mark.parametrize("url", ["nonsense", "nodialect://x", "sqlite:////no/such/folder/ledger.db"])
def test_a_database_that_cannot_be_opened(url: str) -> None:
    with pytest.raises((Misconfigured, Unavailable)) as caught:
        Ledger.open(url)
    assert caught.value.hint


@pytest.mark.durable
def test_rows_are_on_the_disk_when_issue_returns(ledger: Ledger, path: Path) -> None:
    """Another connection sees them, and SQLite was told to sync every commit."""
    ledger.issue(issue(1), {})
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM images").fetchone() == (1,)
    with engine_of(ledger).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
