import os
import threading
from pathlib import Path

import pytest

from service.kit import home
from service.kit.errors import Misconfigured


def test_a_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    first = home.secret(path)
    assert len(first) == 32
    assert home.secret(path) == first
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


def test_two_starts_at_once_agree(tmp_path: Path) -> None:
    secrets: set[bytes] = set()
    threads = [threading.Thread(target=lambda: secrets.add(home.secret(tmp_path / "s"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(secrets) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    home.secret(tmp_path / "s")
    (tmp_path / "s").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        home.secret(tmp_path / "s")


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    home.create(tmp_path / "s", b"first")
    home.create(tmp_path / "s", b"second")
    assert home.read_private(tmp_path / "s") == b"first"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        home.read_private(tmp_path / "none")


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured, match="COUNTERMARK_HOME"):
        home.prepare(tmp_path / "file" / "home")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Misconfigured, match="not writable"):
        home.prepare(tmp_path)
