"""benchmarks/attacks.py: its quickest rows hold, and a row that does not hold fails the command."""

import json
from collections.abc import Iterator

import pytest

from benchmarks import attacks
from benchmarks.attack_rows import Row
from service.kit import logs


@pytest.fixture(autouse=True)
def _log_level() -> Iterator[None]:
    """The command sets its own."""
    yield
    logs.configure("error")


def test_the_quickest_attacks_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert attacks.main(["--quick", "--json", "--only", "claims", "supply"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["number"] for row in rows} == {1, 12}
    assert all(row["held"] for row in rows)


def test_an_attack_that_works_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.attack_rows.memory.chunks", lambda: [Row("a", "b", "c", False)])
    assert attacks.main(["--only", "6"]) == 1
    assert "| 6 | a | b | c | **no** |" in capsys.readouterr().out


def test_an_attack_that_cannot_be_tried_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[Row]:
        raise OSError("no /proc")

    monkeypatch.setattr("benchmarks.attack_rows.memory.chunks", broken)
    assert attacks.main(["--only", "6"]) == 1
    assert "could not be tried: OSError: no /proc" in capsys.readouterr().out


def test_every_attack_exists() -> None:
    for finding in attacks.FINDINGS:
        for attack in finding.attacks:
            assert callable(attack.function()), attack
