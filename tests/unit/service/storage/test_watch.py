"""A database that is not the one that was opened is noticed before anything is released, and stays closed."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.kit.errors import Unavailable
from service.ledger.ledger import Ledger
from service.storage import Database
from tests.support.issued import fill, issue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    shutil.copyfile(empty_ledger, path)
    opened = Ledger.open(path)
    fill(opened)
    yield opened
    opened.close()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def move_with_its_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name(f"{path.parent.name}-moved"))


def replace_by_a_copy(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def overwrite(path: Path) -> None:
    other = path.with_name("other.db")
    Ledger.open(other).close()
    path.write_bytes(other.read_bytes())


def overwrite_by_anything(path: Path) -> None:
    path.write_bytes(b"something else.." * (path.stat().st_size // 16))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(3 * 4096)


def remove_the_log(path: Path) -> None:
    path.with_name("ledger.db-wal").unlink()


def by_sql(statements: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.executescript(statements)

    return run


FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "moved": (move, "moved or deleted"),
    "moved with its folder": (move_with_its_folder, "moved or deleted"),
    "deleted": (Path.unlink, "moved or deleted"),
    "replaced": (replace_by_a_copy, "replaced"),
    "log removed": (remove_the_log, "write-ahead log"),
}
CONTENTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "overwritten": (overwrite, "another one"),
    "overwritten by no database": (overwrite_by_anything, "no longer a database"),
    "emptied file": (empty, "truncated"),
    "truncated": (truncate, "truncated"),
    "another id": (by_sql("UPDATE ledger_identity SET database_id = 'other'"), "another one"),
    "id removed": (by_sql("DELETE FROM ledger_identity"), "another one"),
    "emptied": (by_sql("DELETE FROM images; DELETE FROM decisions"), "missing"),
    "cut": (by_sql("DELETE FROM decisions WHERE seq = 4"), "missing"),
    "rewritten": (by_sql("UPDATE decisions SET hash = 'x' WHERE seq = 4"), "missing"),
}
CHANGES = FILES | CONTENTS


def checkpoint(ledger: Ledger) -> None:
    """What was written is in the file, and nothing in the log."""
    ledger.scrub()


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_issued_into_it(ledger: Ledger, path: Path, change: str) -> None:
    checkpoint(ledger)
    tamper, words = CHANGES[change]
    tamper(path)
    with pytest.raises(Unavailable, match=words):
        ledger.issue(issue(9), {})


@pytest.mark.parametrize("change", CHANGES)
def test_readiness_says_so(ledger: Ledger, path: Path, change: str) -> None:
    checkpoint(ledger)
    assert ledger.ready() == 4
    tamper, words = CHANGES[change]
    tamper(path)
    with pytest.raises(Unavailable, match=words):
        ledger.ready()


@pytest.mark.parametrize("change", FILES)
def test_nothing_is_looked_up_in_it(ledger: Ledger, path: Path, change: str) -> None:
    tamper, words = FILES[change]
    tamper(path)
    for ask in (lambda: ledger.by_mark(1), ledger.verify, ledger.scrub):
        with pytest.raises(Unavailable, match=words):
            ask()


def test_it_stays_closed_when_the_file_is_back(ledger: Ledger, path: Path) -> None:
    move(path)
    with pytest.raises(Unavailable, match="closed until a restart") as closed:
        ledger.by_mark(1)
    assert str(path.parent) not in closed.value.message + closed.value.hint
    path.with_name("moved.db").rename(path)
    for ask in (lambda: ledger.by_mark(1), ledger.ready, lambda: ledger.issue(issue(9), {})):
        with pytest.raises(Unavailable, match="moved or deleted"):
            ask()
    with contextlib.closing(Ledger.open(path)) as again:
        assert again.ready() == 4


def test_a_file_moved_before_the_commit_releases_nothing(ledger: Ledger, path: Path) -> None:
    with pytest.raises(Unavailable, match="moved"):
        ledger.issue(issue(9), {}, also=lambda _transaction: move(path))


def test_what_a_database_does_by_itself_is_no_change(ledger: Ledger, path: Path) -> None:
    for number in range(10, 14):
        ledger.issue(issue(number), {})
        checkpoint(ledger)
        assert ledger.ready() == number - 5
    with contextlib.closing(sqlite3.connect(path)) as elsewhere:
        elsewhere.executescript("CREATE TABLE large (x); INSERT INTO large VALUES (zeroblob(400000)); DROP TABLE large")
        elsewhere.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.refuse("urn:uuid:20", {})
        elsewhere.execute("VACUUM")
        elsewhere.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.refuse("urn:uuid:21", {})
    assert ledger.ready() == 10


def test_decisions_of_other_processes_are_followed(ledger: Ledger, path: Path) -> None:
    with contextlib.closing(Ledger.open(path)) as other:
        other.refuse("urn:uuid:30", {})
        ledger.refuse("urn:uuid:31", {})
        other.refuse("urn:uuid:32", {})
        assert (ledger.ready(), other.ready()) == (7, 7)
    by_sql("DELETE FROM decisions WHERE seq > 5")(path)
    with pytest.raises(Unavailable, match="missing"):
        ledger.refuse("urn:uuid:33", {})


def full(table: str, operation: str) -> Callable[[Path], None]:
    """The disk has no room for this any more."""
    return by_sql(f"CREATE TRIGGER {table}_full BEFORE {operation} ON {table} BEGIN SELECT RAISE(FAIL, 'full'); END")


def test_readiness_waits_until_a_full_disk_can_be_written_again(ledger: Ledger, path: Path) -> None:
    full("decisions", "INSERT")(path)
    with pytest.raises(Unavailable, match="cannot be written"):
        ledger.refuse("urn:uuid:40", {})
    assert ledger.unrecorded_refusals == 1
    assert ledger.ready() == 4, "something smaller can be written"
    full("ledger_identity", "UPDATE")(path)
    assert ledger.ready() == 4, "the last write succeeded, so none is tried"
    with pytest.raises(Unavailable, match="cannot be written"):
        ledger.refuse("urn:uuid:41", {})
    with pytest.raises(Unavailable, match="cannot be written"):
        ledger.ready()
    by_sql("DROP TRIGGER decisions_full; DROP TRIGGER ledger_identity_full")(path)
    assert ledger.ready() == 4
    ledger.refuse("urn:uuid:42", {})
    assert (ledger.ready(), ledger.unrecorded_refusals) == (5, 2)


def test_a_database_without_a_watch_can_still_be_given_up(path: Path, ledger: Ledger) -> None:
    plain = Database(ledger._database.engine)
    with pytest.raises(Unavailable, match="why"):
        plain.abandon("why")


def test_a_database_whose_id_cannot_be_read_is_not_opened(path: Path) -> None:
    Ledger.open(path).close()
    by_sql("DROP TABLE ledger_identity")(path)
    with pytest.raises(Unavailable, match="SQLITE_ERROR"):
        Ledger.open(path)
