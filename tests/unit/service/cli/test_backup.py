"""`countermark backup` and `countermark restore`."""

from pathlib import Path

import pytest
import typer

from service.installation import Installation
from tests.support.commands import Run
from tests.support.issued import fill
from tests.unit.service.cli.conftest import Lines

PASSPHRASE = "correct horse battery"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "elsewhere"


def test_an_encrypted_backup_there_and_back(
    run: Run,
    lines: Lines,
    installation: Installation,
    secret: Path,
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(installation.ledger)
    (told,) = lines("backup", tmp_path / "backup", "--passphrase-file", secret, "--json")
    assert (told["decisions"], told["images"], told["encrypted"], told["database"]) == (4, 3, True, "sqlite")
    assert told["head"] == installation.ledger.verify().head
    monkeypatch.setenv("COUNTERMARK_HOME", str(elsewhere))
    code, _, err = run("restore", tmp_path / "backup")
    assert code == 2
    assert "--passphrase-file" in err
    monkeypatch.setattr(typer, "prompt", lambda *_args, **_more: "another passphrase")
    code, _, err = run("restore", tmp_path / "backup", "--passphrase")
    assert code == 3
    assert "another passphrase" in err
    assert not (elsewhere / "keys").exists()
    monkeypatch.setattr(typer, "prompt", lambda *_args, **_more: PASSPHRASE)
    (told,) = lines("restore", tmp_path / "backup", "--passphrase", "--json")
    assert (told["decisions"], told["kept"], told["deletions"]) == (5, None, [])
    assert run("audit", "verify", "--head", installation.ledger.verify().head)[0] == 0
    code, _, err = run("restore", tmp_path / "backup", "--passphrase")
    assert code == 2
    assert "--replace" in err


def test_a_plain_backup_says_that_it_is_plain(run: Run, installation: Installation, tmp_path: Path) -> None:
    fill(installation.ledger)
    code, out, _ = run("backup", tmp_path / "backup")
    assert code == 0
    assert "not encrypted" in out
    assert run("backup", tmp_path / "backup")[0] == 2
    installation.close()
    code, out, _ = run("restore", tmp_path / "backup", "--replace")
    assert code == 0
    assert "Restored 4 decisions and 3 images" in out
    assert "delete it when done" in out
    assert "No deletions after the backup are known" in out


def test_deletions_are_listed_and_applied(
    run: Run, lines: Lines, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines("tenants", "add", "acme", "--json")
    run("backup", tmp_path / "backup")
    lines("tenants", "rotate", "acme", "--json")
    code, out, _ = run("ledger", "deletions")
    assert code == 0
    (tmp_path / "list").write_text(out)
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "elsewhere"))
    code, out, _ = run("restore", tmp_path / "backup", "--deletions", tmp_path / "list")
    assert code == 1, "the operator has something to do"
    assert "replace_tenant_key acme: open" in out
    assert "tenants rotate" in out


def test_a_passphrase_that_others_can_read_or_that_is_given_twice_is_refused(
    run: Run, installation: Installation, secret: Path, tmp_path: Path
) -> None:
    secret.chmod(0o644)
    assert run("backup", tmp_path / "backup", "--passphrase-file", secret)[0] == 2
    secret.chmod(0o600)
    assert run("backup", tmp_path / "backup", "--passphrase-file", secret, "--passphrase")[0] == 2
    secret.write_text("short")
    assert run("backup", tmp_path / "backup", "--passphrase-file", secret)[0] == 2
    assert not (tmp_path / "backup").exists()
