"""One open transaction, as repositories see it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Executable, Insert, TableClause, update

from service.storage.tables import ledger_identity

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def values_of(row: "DataclassInstance") -> dict[str, Any]:
    """The fields of a row by name. `dataclasses.asdict` would also copy every value, which is slow."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


class Session:
    """A database transaction. All that is read through it belongs to one state of the database."""

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        self._connection = connection
        self._writable = writable

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    def read(self, query: Executable, **parameters: object) -> CursorResult[Any]:
        """Run a SELECT. `parameters` are the values of its `bindparam`s."""
        return self._connection.execute(query, parameters)

    def tuples(self, query: Executable) -> Iterator[tuple[Any, ...]]:
        """The rows of a query as plain tuples, in the order of its columns."""
        return (tuple(row) for row in self._connection.execute(query))

    def batches(self, query: Executable, rows: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        """The rows of a query exactly as the driver gives them, at most `rows` at a time.

        For millions of rows: a few hundred at a time stay in the processor's cache, and the garbage collector sees few.
        """
        with contextlib.closing(self._connection.execute(query)) as result:
            while batch := result.cursor.fetchmany(rows):
                yield batch

    def change(self, statement: Executable) -> int:
        """Run an INSERT, UPDATE or DELETE; the number of rows that it changed.

        Raises RuntimeError in a transaction for reading: the change would be lost at its end.
        """
        self._check_writable()
        return self._connection.execute(statement).rowcount

    def insert(self, table: TableClause | Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; none is fine. Raises RuntimeError as `change`."""
        self._check_writable()
        if rows:
            statement = table if isinstance(table, Insert) else table.insert()
            self._connection.execute(statement, list(rows))

    def change_each(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once with each row as the values of its `bindparam`s. Raises RuntimeError as `change`."""
        self._check_writable()
        if rows:
            self._connection.execute(statement, list(rows))

    def rewrite_identity(self) -> None:
        """Write a row as it is, to find out whether the database can be written. Raises RuntimeError as `change`."""
        self.change(update(ledger_identity).values(database_id=ledger_identity.c.database_id))

    def _check_writable(self) -> None:
        if not self._writable:
            raise RuntimeError("this transaction is for reading: open one with `Ledger.decision` or `Ledger.write`")


class Repository:
    """Base of all repositories: the rows of one or two tables, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
