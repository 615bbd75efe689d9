"""The database behind a ledger, for tests that change what nothing in the product may change."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, event

from service.ledger.ledger import Ledger


def engine_of(ledger: Ledger) -> Engine:
    return ledger._database.engine


@contextlib.contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """Every statement that the ledger's database is given meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(" ".join(statement.split()))

    event.listen(engine_of(ledger), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine_of(ledger), "before_cursor_execute", note)
