"""`countermark consent`: exit codes, JSON lines, and what a person may learn."""

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import consent as command
from service.cli.app import app
from service.installation import open_installation
from service.kit.errors import FaceModelChanged, NoFace, NotFound
from service.kit.settings import load_settings
from service.likeness import comparison
from service.media.pictures import encode
from tests.support.people import ANN, BOB, ByColour, OtherModel, portrait

runner = CliRunner()


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(command, "open_model", lambda _settings: ByColour())
    monkeypatch.setattr("service.likeness.comparison.open_model", lambda _settings: ByColour())
    path = tmp_path / "ann.png"
    path.write_bytes(encode(portrait(ANN), "png")[0])
    return str(path)


def consent(*words: str) -> Result:
    return runner.invoke(app, ["consent", *words])


def test_a_person_from_enrolment_to_erasure(photo: str, tmp_path: Path) -> None:
    done = consent("enrol", photo, "--name", "Ann Example", "--json")
    assert done.exit_code == 0, done.output
    subject = json.loads(done.stdout)["subject"]
    given = json.loads(
        consent("grant", subject, "--purpose", "a poster", "--scope", "portrait", "--days", "3", "--json").stdout
    )
    assert given["state"] == "live"
    shown = consent("show", subject).stdout
    assert "Ann Example" in shown
    assert given["id"] in shown
    assert json.loads(consent("show", subject, "--json").stdout)["name"] == "Ann Example"
    assert "Ann" not in consent("list").stdout
    assert consent("check", photo, "--subject", subject).exit_code == 0
    receipt = tmp_path / "receipt.jws"
    receipt.write_text(given["receipt"] + "\n")
    assert consent("verify", str(receipt)).exit_code == 0
    assert json.loads(consent("revoke", given["id"], "--json").stdout)["state"] == "revoked"
    assert consent("verify", str(receipt)).exit_code == 1
    receipt.write_text(given["receipt"].replace(".", ".x", 1))
    assert consent("verify", str(receipt)).exit_code == 3
    assert "revoked" in consent("receipt", given["id"]).stdout
    saved = tmp_path / "registry.json"
    assert consent("export", str(saved)).exit_code == 0
    assert saved.stat().st_mode & 0o077 == 0
    (moved,) = (json.loads(line) for line in consent("import", str(saved), "--json").stdout.splitlines())
    assert moved["subject"] != subject
    assert consent("erase", subject, "--yes").exit_code == 0
    assert consent("show", subject).exit_code != 0
    assert consent("purge").stdout == ""


def test_a_picture_of_somebody_else_is_told(photo: str, tmp_path: Path) -> None:
    subject = json.loads(consent("enrol", photo, "--name", "Ann", "--json").stdout)["subject"]
    other = tmp_path / "bob.png"
    other.write_bytes(encode(portrait(BOB), "png")[0])
    done = consent("check", str(other), "--subject", subject)
    assert done.exit_code == 1
    assert "matches none of the subjects" in done.stdout
    other.write_bytes(encode(portrait((128, 128, 128)), "png")[0])
    assert isinstance(consent("check", str(other), "--subject", subject).exception, NoFace)


def test_an_image_is_withdrawn_by_the_operator(photo: str) -> None:
    subject = json.loads(consent("enrol", photo, "--name", "Ann", "--json").stdout)["subject"]
    done = consent("withdraw", subject, "urn:uuid:none")
    assert "no such image" in str(done.exception)
    installation = open_installation(load_settings())
    assert installation.consent.grants.uses_of(subject) == []
    installation.close()


def test_an_unknown_scope_is_refused(photo: str) -> None:
    subject = json.loads(consent("enrol", photo, "--name", "Ann", "--json").stdout)["subject"]
    done = consent("grant", subject, "--purpose", "x", "--scope", "everything", "--days", "3")
    assert "unknown scope" in str(done.exception)


def test_an_erasure_asks_first(photo: str) -> None:
    subject = json.loads(consent("enrol", photo, "--name", "Ann", "--json").stdout)["subject"]
    done = runner.invoke(app, ["consent", "erase", subject], input="n\n")
    assert "not confirmed" in str(done.exception)
    assert consent("show", subject).exit_code == 0


def test_an_export_does_not_overwrite_a_file(photo: str, tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    file.write_text("precious")
    assert consent("export", str(file)).exit_code != 0
    assert file.read_text() == "precious"


def test_a_pin_is_renewed_and_who_guesses_is_told(photo: str) -> None:
    enrolled = json.loads(consent("enrol", photo, "--name", "Ann", "--json").stdout)
    renewed = json.loads(consent("renew-pin", enrolled["subject"], "--json").stdout)
    assert renewed["pin"] != enrolled["pin"]
    assert consent("pin-failures", "--json").stdout == ""
    installation = open_installation(load_settings())
    installation.consent.subjects.check_pin(enrolled["subject"], renewed["pin"])
    wrong = partial(installation.consent.subjects.check_pin, enrolled["subject"], enrolled["pin"])
    with pytest.raises(NotFound):
        installation.pins.check(enrolled["subject"], "192.0.2.1", enrolled["pin"], wrong)
    installation.close()
    told = json.loads(consent("pin-failures", "--least", "1", "--json").stdout)
    assert (told["number"], told["failures"]) == (enrolled["subject"], 1)
    assert enrolled["subject"] in consent("pin-failures", "--least", "1").stdout


def test_after_a_change_of_the_face_model_people_are_enrolled_again(
    photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = json.loads(consent("enrol", photo, "--name", "Ann", "--json").stdout)["subject"]
    assert consent("outdated").exit_code == 0
    for module in (command, comparison):
        monkeypatch.setattr(module, "open_model", lambda _settings: OtherModel())
    listed = consent("outdated")
    assert (listed.exit_code, listed.stdout) == (1, f"{subject}\n")
    assert isinstance(consent("check", photo, "--subject", subject).exception, FaceModelChanged)
    done = consent("re-enrol", subject, photo, photo, "--json")
    assert json.loads(done.stdout) == {"subject": subject, "templates": 2, "model": "other@1"}
    assert consent("outdated").exit_code == consent("check", photo, "--subject", subject).exit_code == 0
    assert ": 1 new templates by other@1" in consent("re-enrol", subject, photo, "--keep-others").stdout
    assert isinstance(consent("re-enrol", "S-0000-0000-0000-0000", photo).exception, NotFound)
