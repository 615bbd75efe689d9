from pathlib import Path

import pytest

from service.installation import Installation
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines


def test_it_counts_and_names_the_head(lines: Lines, installation: Installation) -> None:
    installation.ledger.refuse("urn:uuid:1", {"code": "unsafe"})
    (told,) = lines("audit", "verify")
    assert (told["decisions"], told["images"], told["problems"]) == (1, 0, [])
    assert told["head"] == installation.ledger.verify().head


def test_a_head_that_was_noted_must_still_be_there(run: Run, installation: Installation) -> None:
    installation.ledger.refuse("urn:uuid:1", {"code": "unsafe"})
    head = installation.ledger.verify().head
    installation.ledger.refuse("urn:uuid:2", {"code": "unsafe"})
    assert run("audit", "verify", "--head", head)[0] == 0
    code, out, err = run("audit", "verify", "--head", "f" * 64)
    assert code == 3
    assert "ledger_corrupt" in err
    assert "2 decisions, 0 images" in out


def test_without_a_ledger_none_is_made(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "elsewhere"))
    assert run("audit", "verify")[0] == 1
    assert not (tmp_path / "elsewhere").exists()
