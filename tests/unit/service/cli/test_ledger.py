"""`countermark ledger`."""

from pathlib import Path

from service.installation import Installation
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines


def lose(installation: Installation) -> Path:
    installation.close()
    path = installation.settings.home / "ledger.db"
    path.unlink()
    return path


def test_a_home_without_its_ledger_is_refused_by_every_command(run: Run, installation: Installation) -> None:
    path = lose(installation)
    for words in (["audit", "verify"], ["tenants", "list"]):
        code, _, err = run(*words)
        assert code == 3
        assert "ledger_mismatch" in err
        assert "countermark restore" in err
        assert "countermark ledger adopt" in err
    assert not path.exists()


def test_an_empty_ledger_is_adopted_only_on_demand(run: Run, lines: Lines, installation: Installation) -> None:
    lose(installation)
    assert run("ledger", "adopt")[0] == 3
    (told,) = lines("ledger", "adopt", "--new-ledger", "--operator", "Olga", "--json")
    assert (told["seq"], told["kind"], told["body"]["operator"]) == (1, "ledger", "Olga")
    assert run("audit", "verify")[0] == 0
    code, out, _ = run("ledger", "adopt")
    assert code == 0
    assert "decision 2 records it" in out
