"""Upgrading an older ledger on PostgreSQL."""

import pytest

from tests.unit.service.storage.test_migrations import *  # noqa: F403

# These look into SQLite's files and settings.
del test_a_database_of_a_newer_version_is_told_and_left_alone  # noqa: F821
del test_foreign_keys_are_enforced_after_an_upgrade  # noqa: F821


@pytest.fixture  # type: ignore[no-redef]  # instead of the one for SQLite
def url(empty_url: str) -> str:
    """Of a database without our schema."""
    return empty_url
