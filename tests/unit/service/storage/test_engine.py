"""Whatever the database does is Unavailable, in words that a stranger may read."""

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from service.api import create_app
from service.installation import Installation
from service.kit.errors import Misconfigured, Unavailable
from service.ledger.ledger import Ledger
from service.storage import Database
from service.storage import engine as module
from service.storage.engine import open_engine, reading, scrub, writing
from tests.support.database import engine_of
from tests.support.waiting import Ticks, until

ASK: dict[str, Callable[[Ledger], object]] = {
    "read": lambda ledger: ledger.ready(),
    "write": lambda ledger: ledger.refuse("urn:uuid:1", {}),
    "scrub": lambda ledger: ledger.scrub(),
}


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    shutil.copyfile(empty_ledger, tmp_path / "ledger.db")
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_a_pool_without_a_connection_is_unavailable(
    ledger: Ledger, tmp_path: Path, ask: Callable[[Ledger], object]
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    scarce = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with scarce.connect(), pytest.raises(Unavailable, match="TimeoutError"):
        ask(Ledger(Database(scarce)))


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_a_file_that_is_no_database_any_more_is_unavailable(
    ledger: Ledger, tmp_path: Path, ask: Callable[[Ledger], object]
) -> None:
    ledger.close()
    (tmp_path / "ledger.db").write_bytes(b"something else" * 1000)
    with pytest.raises(Unavailable, match="SQLITE_NOTADB"):
        ask(ledger)


def test_writers_that_wait_keep_nobody_from_reading(ledger: Ledger, tmp_path: Path) -> None:
    lock = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    writers = [threading.Thread(target=ledger.refuse, args=(f"urn:uuid:{n}", {})) for n in range(20)]
    for writer in writers:
        writer.start()
    until(lambda: engine_of(ledger).pool.checkedout() == len(writers))  # type: ignore[attr-defined]
    assert ledger.ready() == 0
    lock.execute("ROLLBACK")
    for writer in writers:
        writer.join()
    assert ledger.ready() == len(writers)


def test_emptying_the_log_does_not_wait_for_readers_as_long_as_for_writers(ledger: Ledger, tmp_path: Path) -> None:
    told: list[str] = []
    with engine_of(ledger).connect() as connection:  # the pool hands out this one again
        connection.connection.dbapi_connection.set_trace_callback(told.append)  # type: ignore[union-attr]
    reader = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM decisions").fetchone()
    ledger.refuse("urn:uuid:1", {})
    told.clear()
    with pytest.raises(Unavailable, match="a reader still uses"):
        scrub(engine_of(ledger))
    reader.close()
    assert told == ["PRAGMA busy_timeout=1000", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout=30000"]


def test_strangers_do_not_read_where_the_database_is(installation: Installation) -> None:
    installation.ledger._database = Database(create_engine("sqlite:////no/such/place/ledger.db"))
    answer = TestClient(create_app(installation), raise_server_exceptions=False).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "place" not in answer.text
    assert "SQLITE_CANTOPEN" in answer.json()["detail"]


def test_of_a_fault_in_postgresql_its_state_is_told() -> None:
    words = {"S": "ERROR", "C": "22021", "M": "invalid byte sequence", "D": "a value"}
    fault = DBAPIError("SELECT 1", None, Exception(words))
    assert module._describe(fault.orig) == ("22021", "invalid byte sequence")  # type: ignore[arg-type]


def test_a_database_in_memory_is_none(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        open_engine("sqlite://")


def test_what_is_raised_inside_stays_what_it_is(ledger: Ledger) -> None:
    for opened in (reading, writing):
        with pytest.raises(KeyError), opened(engine_of(ledger)):
            raise KeyError


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another process that writes into a new database, whose journal nobody has changed yet."""
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE another (id)")
        yield other


def test_a_process_that_starts_at_the_same_moment_is_waited_for(
    starting: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            starting.execute("ROLLBACK")

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
    open_engine(f"sqlite:///{tmp_path / 'ledger.db'}").dispose()
    assert len(pauses) == 3


@pytest.mark.usefixtures("starting")
def test_a_process_that_never_ends_its_start_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Ticks()
    monkeypatch.setattr(
        module,
        "time",
        SimpleNamespace(monotonic=clock.monotonic, sleep=lambda _: setattr(clock, "now", clock.now + 10)),
    )
    with pytest.raises(Unavailable, match="locked"):
        open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
