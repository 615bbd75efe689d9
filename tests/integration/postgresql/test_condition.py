"""The condition of a PostgreSQL database."""

from collections.abc import Iterator

import pytest

from service.storage import condition_of
from tests.support.postgres import database
from tests.unit.service.storage.test_condition import *  # noqa: F403
from tests.unit.service.storage.test_condition import change

# These look into SQLite's files.
del test_no_file_is_made  # noqa: F821
del test_damage_is_found  # noqa: F821
del test_a_row_without_the_row_that_it_refers_to_is_found  # noqa: F821
del test_a_file_that_is_no_database_is_unavailable  # noqa: F821


@pytest.fixture  # type: ignore[no-redef]  # instead of the one for SQLite
def url(address: str, template: str) -> Iterator[str]:
    """Of a database with our schema, and of this test alone."""
    with database(address, template) as fresh:
        yield fresh


@pytest.fixture  # type: ignore[no-redef]  # instead of the one for SQLite
def empty(empty_url: str) -> str:
    """Of a database without a schema."""
    return empty_url


def test_an_index_that_is_not_valid_is_found(url: str) -> None:
    change(url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_decisions_kind'::regclass")
    assert condition_of(url).problems == (
        "the index ix_decisions_kind is not valid: run REINDEX INDEX ix_decisions_kind",
    )


def test_many_dead_rows_and_a_table_that_was_never_analysed_are_told(url: str) -> None:
    insert = "INSERT INTO merkle_nodes SELECT n, '\\x00' FROM generate_series(1, 30000) AS n"
    change(url, insert, "DELETE FROM merkle_nodes WHERE number % 2 = 0")
    change(url, "ANALYZE merkle_nodes")
    found = condition_of(url)
    (nodes,) = (table for table in found.tables if table.name == "merkle_nodes")
    assert nodes.rows == 15_000
    assert nodes.dead_rows == 15_000
    assert nodes.analyzed_at is not None
    assert any("merkle_nodes has 15,000 dead rows" in line for line in found.advice)
    change(url, "DELETE FROM merkle_nodes")
