import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.ledger.ledger import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    shutil.copyfile(empty_ledger, path)
    opened = Ledger.open(path)
    yield opened
    opened.close()
