"""Connections to PostgreSQL that are refused, end or go silent: connecting is tried again, the rest is Unavailable."""

import socket
import threading
import time
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from service.kit.errors import Unavailable
from service.ledger.ledger import Ledger
from service.storage import engine as engines
from service.storage import pg8000_driver
from service.storage.engine import open_engine
from service.storage.tables import REVISION
from tests.assets import old_ledger
from tests.support.database import engine_of


def end_all(url: str) -> None:
    """What a restart or a fail-over does to the connections of a database."""
    engine = create_engine(url, connect_args={"ssl_context": False})
    with engine.begin() as connection:
        ended = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    engine.dispose()
    assert ended


def refuse_first(engine: Engine, times: int, fault: dict[str, str] | str) -> list[int]:
    """Make the first attempts to connect fail with a fault of the driver; gives the attempts as they come."""
    attempts: list[int] = []

    @event.listens_for(engine, "do_connect", insert=True)
    def _(dialect: Any, *_others: Any) -> None:
        attempts.append(len(attempts))
        if len(attempts) <= times:
            raise dialect.loaded_dbapi.DatabaseError(fault)

    engine.dispose()
    return attempts


def test_connections_that_ended_between_two_transactions_are_not_noticed(ledger: Ledger, url: str) -> None:
    ledger.record("ledger", "a", {})
    end_all(url)
    ledger.record("ledger", "b", {})
    end_all(url)
    assert ledger.ready() == 2


def test_one_that_was_reset_is_a_fault_of_the_database(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket's own error comes where the end of the connection was not read before something was sent."""
    ledger.record("ledger", "a", {})
    reset: list[str] = []

    def fails(*_: object) -> None:
        reset.append("reset")
        raise ConnectionResetError(104, "Connection reset by peer")

    with monkeypatch.context() as patch:
        patch.setattr("pg8000.core.CoreConnection.handle_messages", fails)
        with pytest.raises(Unavailable), ledger.read() as stored:
            stored.decisions.last()
    assert reset
    assert ledger.ready() == 1


def test_a_transaction_whose_connection_ends_stores_nothing_and_the_next_one_works(ledger: Ledger, url: str) -> None:
    with pytest.raises(Unavailable), ledger.decision("ledger", "lost") as transaction:  # noqa: PT012 - the connection
        end_all(url)  # has to end between its two statements
        transaction.record(action="lost")
    assert ledger.decided("lost") == ()
    ledger.record("ledger", "kept", {})
    assert ledger.verify().problems == ()


@pytest.mark.parametrize("fault", [{"C": "57P03", "M": "the database system is starting up"}, "connection refused"])
def test_a_server_that_starts_is_waited_for(ledger: Ledger, fault: dict[str, str] | str) -> None:
    attempts = refuse_first(engine_of(ledger), 2, fault)
    ledger.record("ledger", "a", {})
    assert len(attempts) >= 3


def test_a_server_that_stays_away_is_unavailable_and_found_again(ledger: Ledger) -> None:
    attempts = refuse_first(engine_of(ledger), 4, "connection refused")
    with pytest.raises(Unavailable):
        ledger.ready()
    assert len(attempts) == 4
    assert ledger.ready() == 0


def test_a_password_that_is_refused_is_not_tried_again(ledger: Ledger) -> None:
    attempts = refuse_first(engine_of(ledger), 9, {"C": "28P01", "M": "password authentication failed"})
    with pytest.raises(Unavailable, match="28P01"):
        ledger.ready()
    assert len(attempts) == 1


def test_nobody_at_the_address_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"cannot connect to 127.0.0.1:{port}"):
            Ledger.open(f"postgresql+pg8000://user@127.0.0.1:{port}/database")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_silence_ends_a_connection() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        pg8000_driver._watched_socket(listening.getsockname()) as opened,
    ):
        assert opened.gettimeout() is None
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        probes = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
        assert probes * opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) <= 30


def test_an_upgrade_waits_for_the_process_that_upgrades(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a writer would wait."""
    monkeypatch.setattr(engines, "_BUSY_SECONDS", 0.1)
    old_ledger.build(empty_url)
    other = create_engine(empty_url, connect_args={"ssl_context": False})
    opened: list[Engine] = []
    upgrading = threading.Thread(target=lambda: opened.append(open_engine(empty_url)))
    with other.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": engines._WRITERS})
        upgrading.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while not connection.execute(waiting).scalar_one():
            assert upgrading.is_alive()
        time.sleep(0.3)  # past what a writer waits
        assert upgrading.is_alive()
    upgrading.join(60)
    with opened[0].connect() as connection:
        assert engines.revision_in(connection) == REVISION
    opened[0].dispose()
    other.dispose()
