import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from service.archives.ray_data import RayData
from service.cli import archive
from service.cli.archive import EngineName, Progress, progress_line
from service.kit.settings import Settings
from tests.support.archives import Inline, fill
from tests.support.commands import Run


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(archive, "_engine", lambda *_: Inline())
    return fill(tmp_path / "files", 8)


def test_a_table_a_page_and_a_closing_line(run: Run, source: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "r.parquet", tmp_path / "s.html"
    code, printed, err = run("archive", "examine", source, "--out", out, "--html", page)
    assert code == 0
    assert printed == (
        f"8 files in {out}: examined 4 (inconclusive 4); not examined 4 (unsupported_format 2, broken_picture 2)\n"
    )
    assert err.splitlines()[:2] == ["Listing the files", "Examining 8 files"]
    assert "8 of 8 files (100 %)" in err
    assert out.exists()
    assert "unsupported_format" in page.read_text()


def test_json_and_limit(run: Run, source: Path, tmp_path: Path) -> None:
    code, printed, _ = run("archive", "examine", source, "--out", tmp_path / "r.parquet", "--limit", "3", "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(printed)
    assert (found["files"], found["reports"], found["errors"]) == (3, 2, {"unsupported_format": 1})


def test_what_cannot_be_done_is_said(run: Run, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.parquet"
    assert run("archive", "examine", source, "--out", out, "--resume", "--force")[0] == 2
    assert run("archive", "examine", tmp_path / "gone", "--out", out)[0] == 5
    assert run("archive", "examine", source, "--out", tmp_path)[0] == 2


def test_a_run_that_is_stopped_says_how_it_goes_on(
    run: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Inline):
        def run(self, *_: object) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setattr(archive, "_engine", lambda *_: Stopped())
    code, _, err = run("archive", "examine", source, "--out", tmp_path / "r.parquet")
    assert code == 130
    assert "--resume" in err
    monkeypatch.setattr(archive, "_engine", lambda *_: Inline())
    assert run("archive", "examine", source, "--out", tmp_path / "r.parquet", "--resume")[0] == 0


def test_the_engine_is_the_one_that_was_asked_for(settings: Settings) -> None:
    pool, ray = (archive._engine(name, 3, settings) for name in EngineName)
    assert (pool.workers, ray.workers) == (3, 3)
    assert isinstance(ray, RayData)
    assert not isinstance(pool, RayData)


@pytest.mark.parametrize(
    ("done", "files", "here", "seconds", "line"),
    [
        (50, 200, 50, 10.0, "50 of 200 files (25 %), 5.0 a second, about 30 s left"),
        (150, 10_000, 50, 10.0, "150 of 10,000 files (1 %), 5.0 a second, about 33 min left"),
        (10, 10**8, 10, 1.0, "10 of 100,000,000 files (0 %), 10.0 a second, about 116 d left"),
        (200, 200, 50, 10.0, "200 of 200 files (100 %), 5.0 a second"),
        (0, 200, 0, 0.0, "0 of 200 files (0 %), 0.0 a second"),
    ],
)
def test_progress_has_an_estimate(done: int, files: int, here: int, seconds: float, line: str) -> None:
    assert progress_line(done, files, here, seconds) == line


def test_lines_are_few_and_a_terminal_rewrites_one() -> None:
    def told(*, terminal: bool) -> str:
        text = io.StringIO()
        progress = Progress(Console(file=text, force_terminal=terminal, width=200))
        progress.begun(1000, 100)
        for _ in range(900):
            progress.seen(1)
        return text.getvalue()

    lines = told(terminal=False).splitlines()
    assert lines[0] == "Examining 1,000 files, of which 100 are done"
    assert len(lines) == 1 + 18
    assert told(terminal=True).count("\n") == 2
