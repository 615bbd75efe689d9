"""Column types that SQLAlchemy does not bring."""

import datetime as dt

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator

from service.kit.clock import Precision, stamp
from service.kit.errors import LedgerCorrupt


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment, as RFC 3339 text in UTC with a fixed precision: `2026-05-01T12:00:00+00:00`.

    The text is the same in SQLite and PostgreSQL and sorts as the moments do. PostgreSQL's own `timestamptz` is not
    used: the decision chain hashes these texts, so the column holds exactly what was hashed, and nothing that a hash
    does not cover (further digits, a session's time zone) can hide in it.
    """

    impl = String(32)
    cache_ok = True

    def __init__(self, precision: Precision = "seconds") -> None:
        super().__init__()
        self.precision = precision

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> str | None:
        """Raises ValueError for a moment without a time zone. Digits beyond the precision are cut off."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return stamp(value, self.precision)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dt.datetime | None:
        """Raises LedgerCorrupt where the text is not what this type writes."""
        return None if value is None else parse(value, self.precision)


def parse(text: str, precision: Precision) -> dt.datetime:
    """The moment that `stamp` wrote. Raises LedgerCorrupt for any other text."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None or stamp(moment, precision) != text:
        raise LedgerCorrupt("a time in the database is not in the ledger's format")
    return moment
