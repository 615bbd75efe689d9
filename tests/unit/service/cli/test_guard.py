import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli import guard


def test_our_own_packages_pass() -> None:
    guard.check()


def test_a_package_from_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "watermark.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "watermark")
    with pytest.raises(guard.ForeignPackage, match="package watermark comes from"):
        guard.check()


def test_without_the_distribution_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(guard.ForeignPackage, match="not installed"):
        guard.check()


def test_the_console_script_refuses_before_anything_of_ours_runs(tmp_path: Path) -> None:
    """PyPI's `watermark`, installed later, or a stray models.py: both are found before they are imported."""
    (tmp_path / "models.py").write_text("print('foreign code ran')")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from service.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "package models comes from" in done.stderr
    assert "foreign code ran" not in done.stdout
