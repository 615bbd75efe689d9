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


def test_a_file_is_replaced_and_stays_private(tmp_path: Path) -> None:
    home.replace(tmp_path / "keys" / "note", b"first")
    home.replace(tmp_path / "keys" / "note", b"second")
    assert home.read_private(tmp_path / "keys" / "note") == b"second"
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["note"]


def test_an_existing_home_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    for name in ("ledger.db", "ledger.db-wal", "held/image", "adapters/card.json", "keys/vault.key", "models/weights"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
        (folder / name).chmod(0o664)
        (folder / name).parent.chmod(0o755)
    mended = home.protect(folder)
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {
        "home": 0o700,
        "home/ledger.db": 0o600,
        "home/ledger.db-wal": 0o600,
        "home/held": 0o700,
        "home/held/image": 0o600,
        "home/adapters": 0o700,
        "home/adapters/card.json": 0o600,
        "home/keys": 0o700,
        "home/keys/vault.key": 0o664,  # it may be known to others: refused where it is read
        "home/models": 0o755,
        "home/models/weights": 0o664,
    }
    assert len(mended) == 8
    assert home.protect(folder) == []


def test_a_link_does_not_lead_the_mending_out_of_the_home(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_bytes(b"")
    (outside / "file").chmod(0o644)
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "held").symlink_to(outside)
    (tmp_path / "home" / "ledger.db").symlink_to(outside / "file")
    assert home.protect(tmp_path / "home") == []
    assert (outside / "file").stat().st_mode & 0o777 == 0o644
