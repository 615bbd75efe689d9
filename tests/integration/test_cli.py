"""The command line as users run it: exit codes, JSON lines, streams."""

import json
from pathlib import Path

import jsonschema
import pytest
from PIL import Image
from skimage import data as photos

from service.cli import generate
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from tests.assets.hostile import picture, save
from tests.integration.test_story import change_one_pixel, jpeg, pixels
from tests.support.commands import Run, runner
from tests.support.database import engine_of

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installation: Installation) -> Run:
    """Run a command in this process; gives (exit code, standard output, standard error)."""
    return runner(monkeypatch, capsys, columns=200)


@pytest.fixture
def files(gateway: Gateway, tmp_path: Path) -> dict[str, Path]:
    """One file of each kind that `verify` tells apart."""
    issued = gateway.release(Order(prompt="a lake", seed=1)).data
    contents = {
        "issued.png": issued,
        "recovered.jpg": jpeg(pixels(issued), 70, (128, 128)),
        "changed.png": change_one_pixel(issued),
        "stranger.jpg": jpeg(photos.astronaut(), 90),
        "text.png": b"not a picture",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in contents}


@pytest.mark.parametrize(
    ("name", "code", "state"),
    [
        ("issued.png", 0, "trusted"),
        ("recovered.jpg", 0, "recovered"),
        ("changed.png", 3, "invalid"),
        ("stranger.jpg", 1, "absent"),
    ],
)
def test_verify(run: Run, files: dict[str, Path], name: str, code: int, state: str) -> None:
    assert run("verify", files[name])[0] == code
    got, out, err = run("verify", "--json", files[name])
    (line,) = out.splitlines()
    report = json.loads(line)
    assert got == code
    assert err == ""
    assert report["file"] == str(files[name])
    assert report["claimed"]["state"] == state
    assert {"verdict", "marked", "matched", "inferred"} <= report.keys()
    jsonschema.validate(report, SCHEMA)


def test_an_untrusted_signer(run: Run, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "stranger"))
    code, out, _ = run("verify", files["issued.png"])
    assert code == 4
    assert "untrusted" in out


def test_several_files_give_a_line_each_and_the_gravest_code(run: Run, files: dict[str, Path]) -> None:
    code, out, _ = run("verify", "--json", *files.values())
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in files.values()]
    assert lines[-1]["error"]["code"] == "unsupported_format"
    assert code == 3
    assert run("verify", files["issued.png"], files["text.png"])[0] == 5


def test_standard_input(run: Run, files: dict[str, Path]) -> None:
    code, out, _ = run("verify", "--json", "-", stdin=files["issued.png"].read_bytes())
    assert code == 0
    assert json.loads(out)["file"] == "-"


def test_inspect_shows_everything(run: Run, files: dict[str, Path]) -> None:
    code, out, _ = run("inspect", files["recovered.jpg"])
    assert code == 0
    for word in ("issued_here", "recovered", "DEVELOPMENT ONLY", "same image", "p(synthetic)", "c2pa.created"):
        assert word in out
    code, out, _ = run("inspect", "--json", files["changed.png"])
    assert code == 0
    assert json.loads(out)["verdict"] == "tampered"


def test_names_that_are_no_text_or_steer_the_terminal(run: Run, files: dict[str, Path], tmp_path: Path) -> None:
    import os

    for raw in (b"b\xff.png", b"x\x1b[2J\x1b[31m.png"):
        path = os.fsencode(tmp_path) + b"/" + raw
        Path(os.fsdecode(path)).write_bytes(files["issued.png"].read_bytes())
        name = os.fsdecode(path)
        code, out, _ = run("verify", name)
        assert code == 0
        assert "\x1b" not in out
        assert run("inspect", name)[0] == 0
        code, out, _ = run("verify", "--json", name, os.fsdecode(path + b".missing"))
        assert len([json.loads(line) for line in out.splitlines()]) == 2


def test_a_home_with_odd_characters(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    odd = tmp_path / "q?mode=x #1%20"
    monkeypatch.setenv("COUNTERMARK_HOME", str(odd))
    assert run("audit", "verify")[0] == 1, "there is no ledger yet, and asking makes none"
    assert not odd.exists()
    (tmp_path / "x.png").write_bytes(save(picture(), "PNG"))
    assert run("verify", tmp_path / "x.png")[0] == 1
    assert run("audit", "verify")[0] == 0
    assert (odd / "ledger.db").exists()


def test_inspect_shows_conflicts(run: Run, gateway: Gateway, installation: Installation, tmp_path: Path) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1))
    forged = installation.codec.embed(photos.astronaut(), released.admitted.mark_id)
    (tmp_path / "forged.png").write_bytes(save(Image.fromarray(forged), "PNG"))
    code, out, _ = run("verify", tmp_path / "forged.png")
    assert code == 4
    assert "Conflict" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["verify"], 2),
        (["verify", "--no-such-option", "x"], 2),
        (["no-such-command"], 2),
        (["verify", "no-such-file.png"], 5),
    ],
)
def test_wrong_usage(run: Run, words: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    got, out, err = run(*words)
    assert got == code
    assert out == "" or "no-such-file" in out
    assert err or "cannot be read" in out
    assert not (tmp_path / "a.png").exists()


def test_a_wrong_setting(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTERMARK_PROVIDERR", "typo")
    code, _, err = run("verify", "x.png")
    assert code == 2
    assert "COUNTERMARK_PROVIDERR" in err


def test_models_list(run: Run) -> None:
    code, out, _ = run("models", "list", "--json")
    cards = {line["name"]: line for line in map(json.loads, out.splitlines())}
    assert code == 0
    assert cards["open_nsfw"]["state"] == "ready"
    assert "open_nsfw@1" in run("models", "list")[1]


def test_audit_verify(run: Run, files: dict[str, Path], installation: Installation) -> None:
    code, out, _ = run("audit", "verify", "--json")
    audit = json.loads(out)
    assert code == 0
    assert audit["problems"] == []
    assert run("audit", "verify", "--head", audit["head"])[0] == 0
    assert run("audit", "verify", "--head", "f" * 64)[0] == 3
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql("UPDATE decisions SET body='{}'")
    code, out, err = run("audit", "verify")
    assert code == 3
    assert "changed after it was written" in out
    assert "ledger_corrupt" in err


def test_version_and_completion(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out) == (0, "countermark 0.1.0\n")
    code, out, _ = run("--help")
    assert code == 0
    assert "Exit codes" in out
    assert "--install-completion" in out


def test_pictures_from_elsewhere_of_every_format(run: Run, tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF"):
        (tmp_path / f"x.{kind}").write_bytes(save(picture(), kind))
        assert run("verify", tmp_path / f"x.{kind}")[0] == 1


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch, painted_installation: Installation) -> Installation:
    monkeypatch.setattr(generate, "open_installation", lambda settings: painted_installation)
    return painted_installation


def test_the_file_verifies_and_warnings_are_on_standard_error(run: Run, painted: Installation, tmp_path: Path) -> None:
    out = tmp_path / "lake.png"
    code, text, err = run("generate", "an unread lake", "--out", out, "--seed", 5)
    assert code == 0
    assert "does not read" in err
    assert str(out) in text
    assert run("verify", out)[0] == 0
    assert oct(out.stat().st_mode)[-3:] in ("644", "600", "664", "640")
