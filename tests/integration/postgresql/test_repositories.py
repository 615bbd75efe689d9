"""The repositories and the unit of work on PostgreSQL."""

from collections.abc import Iterator

import pytest

from service.ledger.ledger import Ledger
from tests.unit.service.ledger.test_transaction import *  # noqa: F403
from tests.unit.service.storage.test_repositories import *  # noqa: F403

# It names SQLite's fault.
del test_a_row_that_contradicts_another_is_unavailable_and_stores_nothing  # noqa: F821


@pytest.fixture  # type: ignore[no-redef]  # it stands in for the fixture of the tests that are imported
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger.open(url)
    yield opened
    opened.close()
