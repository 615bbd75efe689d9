"""Moments are stored as one text each, and nothing else is read back."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, create_engine, select, text

from service.kit.errors import LedgerCorrupt
from service.storage.types import UtcDateTime, parse

NOON = dt.datetime(2026, 5, 1, 12, 0, 0, 123456, dt.UTC)
MOMENTS = st.datetimes(timezones=st.timezones(), min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(9000, 1, 1))  # noqa: DTZ001


@pytest.fixture
def connection():  # type: ignore[no-untyped-def]
    with create_engine("sqlite://").connect() as opened:
        TABLE.metadata.create_all(opened)
        yield opened


TABLE = Table("moments", MetaData(), Column("fine", UtcDateTime("milliseconds")), Column("coarse", UtcDateTime()))


def test_a_moment_is_stored_as_text_of_a_fixed_precision(connection) -> None:  # type: ignore[no-untyped-def]
    elsewhere = NOON.astimezone(dt.timezone(dt.timedelta(hours=9)))
    connection.execute(TABLE.insert().values(fine=elsewhere, coarse=elsewhere))
    stored = connection.execute(text("SELECT fine, coarse FROM moments")).one()
    assert tuple(stored) == ("2026-05-01T12:00:00.123+00:00", "2026-05-01T12:00:00+00:00")
    row = connection.execute(select(TABLE)).one()
    assert (row.fine, row.coarse) == (NOON.replace(microsecond=123000), NOON.replace(microsecond=0))


def test_a_moment_that_is_missing_stays_so(connection) -> None:  # type: ignore[no-untyped-def]
    connection.execute(TABLE.insert().values(fine=None, coarse=None))
    assert tuple(connection.execute(select(TABLE)).one()) == (None, None)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(dt.datetime(2026, 1, 1), None)  # type: ignore[arg-type]  # noqa: DTZ001


@given(MOMENTS, MOMENTS)
def test_texts_sort_as_their_moments_do(one: dt.datetime, other: dt.datetime) -> None:
    kind = UtcDateTime("milliseconds")
    first, second = (str(kind.process_bind_param(each, None)) for each in (one, other))  # type: ignore[arg-type]
    assert (first < second) == (parse(first, "milliseconds") < parse(second, "milliseconds"))
    assert abs(parse(first, "milliseconds") - one) < dt.timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "wrong",
    [
        "x", "", "2026-05-01", "2026-05-01T12:00:00", "2026-05-01T12:00:00Z", "2026-05-01 12:00:00+00:00",
        "2026-05-01T12:00:00.000+00:00", "2026-05-01T13:00:00+01:00", b"2026-05-01T12:00:00+00:00",
    ],
)  # fmt: skip
def test_another_text_is_a_corrupt_ledger(wrong: str) -> None:
    with pytest.raises(LedgerCorrupt):
        parse(wrong, "seconds")
