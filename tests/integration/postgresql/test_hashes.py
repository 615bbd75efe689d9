"""Hashes that PostgreSQL joins are the ones that are stored."""

from collections.abc import Iterator

import pytest

from service.storage import Database
from tests.unit.service.storage.test_hashes import *  # noqa: F403


@pytest.fixture  # type: ignore[no-redef]  # it stands in for the fixture of the tests that are imported
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()
