"""Held pictures on PostgreSQL, through the doors."""

from pathlib import Path

import pytest

from service.kit.settings import PREFIX, Settings
from tests.integration.test_held import *  # noqa: F403


@pytest.fixture  # type: ignore[no-redef]  # it stands in for the fixture of the tests that are imported
def settings(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As there, on PostgreSQL."""
    monkeypatch.setenv(PREFIX + "DATABASE_URL", url)
    return Settings(
        home=tmp_path / "home", threads=1, provider="Test Installation", held_retention_days=7, database_url=url
    )
