"""`countermark db`."""

import json
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from service.installation import Installation
from service.storage.tables import REVISION
from tests.assets import old_ledger
from tests.support.commands import Run
from tests.support.database import engine_of
from tests.unit.service.cli.conftest import Lines


def set_revision(installation: Installation, revision: str) -> None:
    with engine_of(installation.ledger).begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))


def test_a_database_that_is_well(run: Run, lines: Lines, installation: Installation) -> None:
    (told,) = lines("db", "check")
    assert (told["state"], told["revision"], told["problems"]) == ("current", REVISION, [])
    code, out, _ = run("db", "check")
    assert code == 0
    assert f"revision {REVISION}, current" in out
    assert lines("db", "upgrade") == [{"before": REVISION, "after": REVISION}]


@pytest.mark.parametrize(("revision", "code", "does"), [("0019", 1, "db upgrade"), ("9999", 2, "newer version")])
def test_another_revision_has_its_exit_code(
    run: Run, installation: Installation, revision: str, code: int, does: str
) -> None:
    set_revision(installation, revision)
    found, out, err = run("db", "check", "--json")
    assert (found, json.loads(out)["revision"]) == (code, revision)
    assert does in err


def test_damage_is_exit_code_3(run: Run, installation: Installation) -> None:
    with closing(sqlite3.connect(installation.settings.home / "ledger.db")) as database, database:
        database.execute("INSERT INTO manifests (image, id) VALUES (7, 'urn:c2pa:7')")
    code, out, err = run("db", "check")
    assert code == 3
    assert "Problem: a row of manifests refers to a row of images that is missing" in out
    assert "ledger_corrupt" in err


def test_an_old_database_is_upgraded_with_its_decisions(run: Run, lines: Lines, installation: Installation) -> None:
    installation.close()
    home = installation.settings.home
    for path in (*home.glob("ledger.db*"), *(home / "keys").iterdir()):  # as of a home that only has its database
        path.unlink()
    old_ledger.build(f"sqlite:///{home / 'ledger.db'}")
    code, _, err = run("db", "check")
    assert code == 1
    assert "Back up" in err
    assert lines("db", "upgrade") == [{"before": "0006", "after": REVISION}]
    assert run("db", "check")[0] == 0
    head = str(old_ledger.ROWS["decisions"][-1]["hash"])  # noted before, as the page on operating says
    code, out, _ = run("audit", "verify", "--head", head)
    assert code == 0
    assert "The chain is intact." in out
    assert run("audit", "verify", "--head", "f" * 64)[0] == 3


def test_no_database_is_made_to_be_checked(run: Run, installation: Installation) -> None:
    installation.close()
    path = installation.settings.home / "ledger.db"
    path.unlink()
    assert run("db", "check")[0] == 1
    assert run("db", "upgrade")[0] == 3  # its keys are there: a new one would be another ledger
    assert not path.exists()
