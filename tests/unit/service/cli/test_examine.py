import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer

from service.cli import examine
from service.examiner.report import Report
from service.kit.errors import BadRequest, BrokenPicture
from tests.support.credentials import read
from tests.support.evidence import Evidence
from watermark import Effort

REPORTS = {
    b"verified": Evidence(read("trusted")).report(),
    b"nothing": Evidence(read("absent")).report(),
    b"invalid": Evidence(read("invalid")).report(),
    b"untrusted": Evidence(read("valid_untrusted")).report(),
}


class Scripted:
    """An examiner whose answer is in the file."""

    def __init__(self) -> None:
        self.classified: list[bool] = []

    def examine(
        self, data: bytes, name: str, *, classify: bool, manifest: bytes | None, effort: Effort | None
    ) -> Report:
        self.classified.append(classify)
        self.effort = effort
        self.manifest = manifest
        if data not in REPORTS:
            raise BrokenPicture("it is not an image")
        return REPORTS[data].model_copy(update={"file": name})

    def crjson(self, data: bytes, manifest: bytes | None) -> str | None:
        return '{"manifests": []}' if data == b"verified" else None

    def preview(self, data: bytes) -> bytes | None:
        return b"jpeg"

    def issued_preview(self, report: Report, data: bytes) -> bytes | None:
        return None

    def thumbnails(self, data: bytes, manifest: bytes | None) -> dict[str, bytes]:
        return {}

    def heatmap(self, data: bytes) -> tuple[np.ndarray, np.ndarray] | None:
        return (np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32)) if data == b"verified" else None


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    examiner = Scripted()
    installation = SimpleNamespace(settings=SimpleNamespace(max_bytes=1 << 20, fetch_urls=False), examiner=examiner)
    monkeypatch.setattr(examine, "open_installation", lambda _settings: installation)
    return examiner


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    for name in (*REPORTS, b"broken"):
        (tmp_path / name.decode()).write_bytes(name)
    return {name.decode(): str(tmp_path / name.decode()) for name in (*REPORTS, b"broken")}


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["verified"], 0),
        (["nothing"], 1),
        (["invalid"], 3),
        (["untrusted"], 4),
        (["verified", "nothing"], 1),
        (["broken", "nothing"], 5),
        (["untrusted", "broken"], 4),
        (["invalid", "untrusted", "broken"], 3),
    ],
)
def test_verify_exits_with_the_most_severe_code(files: dict[str, str], names: list[str], code: int) -> None:
    with pytest.raises(typer.Exit) as left:
        examine.verify([files[name] for name in names])
    assert left.value.exit_code == code


def test_verify_needs_no_classifiers_and_inspect_does(scripted: Scripted, files: dict[str, str]) -> None:
    for command in (examine.verify, examine.inspect):
        with pytest.raises(typer.Exit):
            command([files["nothing"]])
    assert scripted.classified == [False, True]


@pytest.mark.parametrize(
    ("options", "effort"), [({}, None), ({"fast": True}, Effort.FAST), ({"thorough": True}, Effort.THOROUGH)]
)
def test_the_search_for_marks_can_be_chosen(
    scripted: Scripted, files: dict[str, str], options: dict[str, Any], effort: Effort | None
) -> None:
    with pytest.raises(typer.Exit):
        examine.verify([files["nothing"]], **options)
    assert scripted.effort is effort


@pytest.mark.usefixtures("scripted")
def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as left:
        examine.inspect([files["broken"], files["invalid"]], as_json=True)
    assert left.value.exit_code == 5  # inspect itself is content with any report
    failed, report = map(json.loads, capsys.readouterr().out.splitlines())
    assert failed["error"]["code"] == BrokenPicture.code
    assert (report["file"], report["verdict"]) == (files["invalid"], "tampered")


@pytest.mark.usefixtures("scripted")
def test_heatmaps_are_written_where_a_lane_has_one(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(typer.Exit):
        examine.inspect([files["verified"], files["nothing"]], heatmap=tmp_path / "maps")
    (written,) = (tmp_path / "maps").iterdir()
    assert written.name == f"verified-{'0' * 8}.png"


def test_a_credential_beside_the_file_is_handed_on(scripted: Scripted, files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.c2pa").write_bytes(b"store")
    for command in (examine.verify, examine.inspect):
        with pytest.raises(typer.Exit):
            command([files["verified"]], manifest=tmp_path / "a.c2pa")
        assert scripted.manifest == b"store"
        with pytest.raises(BadRequest, match="for one file"):
            command([files["verified"], files["nothing"]], manifest=tmp_path / "a.c2pa")


@pytest.mark.usefixtures("scripted")
def test_a_page_is_written(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(typer.Exit):
        examine.inspect([files["verified"]], html=tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    with pytest.raises(BadRequest, match="not writable"):
        examine.inspect([files["verified"]], html=tmp_path / "none" / "report.html")


@pytest.mark.usefixtures("scripted")
def test_crjson_stands_in_place_of_the_report(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        examine.inspect([files["verified"], files["nothing"]], crjson=True)
    assert capsys.readouterr().out.splitlines() == ['{"manifests": []}', "{}"]


@pytest.mark.usefixtures("scripted")
def test_a_tree_is_shown(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        examine.inspect([files["verified"]], tree=True)
    assert "verified (inconclusive)" in capsys.readouterr().out


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("command", [examine.verify, examine.inspect])
def test_a_folder_is_searched_by_content_and_counted(
    command: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = b"%PDF-1.7"
    monkeypatch.setitem(REPORTS, document, REPORTS[b"verified"])
    for name, content in (("paper", document), ("deep/paper.txt", document), ("notes.png", b"no image")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(typer.Exit) as left:
        command([str(tmp_path)], as_json=True)
    out, err = capsys.readouterr()
    assert left.value.exit_code == 0
    assert [json.loads(line)["file"] for line in out.splitlines()] == [
        str(tmp_path / "deep" / "paper.txt"),
        str(tmp_path / "paper"),
    ]
    assert f"{tmp_path / 'notes.png'} skipped: " in err
    assert err.endswith("2 files read, 1 file skipped\n")
    with pytest.raises(typer.Exit):
        command([str(tmp_path)], as_json=True, recursive=False)
    assert len(capsys.readouterr().out.splitlines()) == 1
