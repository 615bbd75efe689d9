import json
from pathlib import Path

import pytest

from service.cli import trust
from service.kit.errors import BadRequest
from tests.assets import provenance


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lists are to be; nothing is there yet."""
    (tmp_path / "lab.pem").write_bytes(provenance.lab().pem)
    (tmp_path / "lists").mkdir()
    monkeypatch.setenv("COUNTERMARK_TRUST_LISTS", str(tmp_path / "lists" / "trust.toml"))
    return tmp_path / "lists"


def test_a_list_is_added_listed_and_checked(lists: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pem = lists.parent / "lab.pem"
    trust.add(pem, name="lab", date="2026-08-01")
    trust.add(pem, name="interim", kind="tsa", frozen=True)
    assert "lab: 1 certificates, SHA-256" in capsys.readouterr().out
    trust.show(as_json=True)
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["name"], each["kind"], each["frozen"]) for each in shown] == [
        ("lab", "manifest", False), ("interim", "tsa", True)
    ]  # fmt: skip
    assert shown[0]["date"] == "2026-08-01"
    trust.show()
    assert "frozen: its publisher" in capsys.readouterr().out
    trust.check()
    assert capsys.readouterr().out.splitlines() == ["lab: usable", "interim: usable; frozen"]


def test_what_expires_is_told(lists: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brief = lists.parent / "brief.pem"
    brief.write_bytes(provenance.short_lived_root())
    trust.add(brief, name="brief")
    capsys.readouterr()
    trust.check()
    assert "expires on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [("Lab 1", "no valid name"), ("lab", "two lists are named lab")],
)
def test_nothing_is_added_that_could_not_be_loaded(lists: Path, name: str, message: str) -> None:
    trust.add(lists.parent / "lab.pem", name="lab")
    before = {path.name: path.read_bytes() for path in lists.iterdir()}
    with pytest.raises(BadRequest, match=message):
        trust.add(lists.parent / "lab.pem", name=name)
    assert {path.name: path.read_bytes() for path in lists.iterdir()} == before


def test_a_list_is_never_overwritten(lists: Path) -> None:
    trust.add(lists.parent / "lab.pem", name="lab")
    (lists.parent / "other.pem").write_bytes(provenance.stranger().pem)
    with pytest.raises(BadRequest, match="already exists"):
        trust.add(lists.parent / "other.pem", name="lab")


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read"), ("junk", "does not contain PEM")])
def test_files_without_certificates(lists: Path, text: str | None, message: str) -> None:
    path = lists.parent / "x.pem"
    if text:
        path.write_text(text)
    with pytest.raises(BadRequest, match=message):
        trust.add(path, name="x")


def test_dates_are_dates(lists: Path) -> None:
    with pytest.raises(BadRequest, match="is not a date"):
        trust.add(lists.parent / "lab.pem", name="lab", date="yesterday")


def test_without_a_setting_there_is_nothing_to_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERMARK_TRUST_LISTS", raising=False)
    with pytest.raises(BadRequest, match="no trust lists are configured"):
        trust.show()


def test_an_altered_list_is_named(lists: Path) -> None:
    trust.add(lists.parent / "lab.pem", name="lab")
    (lists / "lab.pem").write_bytes(provenance.stranger().pem)
    with pytest.raises(BadRequest, match="SHA-256"):
        trust.check()
