"""Every key of a sealed record, wherever it is stored: a new vault key has to wrap all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Column, bindparam, select, update

from service.storage.session import Repository
from service.storage.tables import answers, appeals, held, jobs, subjects, takedowns, webhooks

Place = Literal["takedowns", "appeals", "subjects", "held", "held_reasons", "answers", "jobs", "webhooks"]
PLACES: tuple[Place, ...] = get_args(Place)

# Of each place: the column of the row's id, and that of the wrapped key.
_COLUMNS: dict[Place, tuple[Column[Any], Column[Any]]] = {
    "takedowns": (takedowns.c.case, takedowns.c.wrapped_key),
    "appeals": (appeals.c.id, appeals.c.wrapped_key),
    "subjects": (subjects.c.id, subjects.c.wrapped_key),
    "held": (held.c.content_id, held.c.wrapped_key),
    "held_reasons": (held.c.content_id, held.c.words_key),
    "answers": (answers.c.id, answers.c.wrapped_key),
    "jobs": (jobs.c.id, jobs.c.wrapped_key),
    "webhooks": (webhooks.c.id, webhooks.c.wrapped_key),
}


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The key of the record in one row, wrapped by the vault's."""

    row: str
    key: bytes


class WrappedKeyRepository(Repository):
    """The wrapped keys of all tables. Those of deleted records are gone, and are not among them."""

    def of(self, place: Place) -> list[WrappedKey]:
        """Those of one place, by row."""
        row, key = _COLUMNS[place]
        query = select(row, key).where(key.is_not(None)).order_by(row)
        return [WrappedKey(*each) for each in self._session.tuples(query)]

    def replace(self, place: Place, new: Sequence[WrappedKey]) -> None:
        """Store new wrappings of the same keys. Raises RuntimeError in a transaction for reading."""
        row, key = _COLUMNS[place]
        statement = update(row.table).where(row == bindparam("of_row")).values({key: bindparam("new_key")})
        self._session.change_each(statement, [{"of_row": each.row, "new_key": each.key} for each in new])
