"""An installation with something in it that a backup has to keep."""

from pathlib import Path

import pytest

from service.installation import Installation
from service.recovery.backup import back_up
from tests.support.issued import fill


@pytest.fixture
def used(installation: Installation) -> Installation:
    fill(installation.ledger)
    held = installation.settings.home / "held"
    held.mkdir(mode=0o700)
    (held / "sealed").write_bytes(b"sealed pixels")
    return installation


@pytest.fixture
def saved(used: Installation, tmp_path: Path) -> Path:
    """A backup of it, not encrypted."""
    back_up(used, tmp_path / "backup")
    return tmp_path / "backup"
