"""The quick start's programs, as they are on its page, against a real server: Python, JavaScript and curl."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api import create_app
from service.installation import Installation
from tests.support.node import NPM, run_module
from tests.support.pages import ROOT, blocks, section
from tests.support.waiting import served

PROGRAMS = section("docs/quickstart.md", "From a program")
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def url(painted_installation: Installation) -> Iterator[str]:
    with served(create_app(painted_installation)) as address:
        yield address


def run(command: list[str], folder: Path) -> str:
    library = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=library, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python(url: str, tmp_path: Path) -> None:
    program, openai = blocks(PROGRAMS, "python")
    assert run([sys.executable, "-c", program.replace(ADDRESS, url)], tmp_path) == "issued_here\n"
    shown = "\nprint(len(image.data[0].b64_json) > 1000)"
    assert run([sys.executable, "-c", openai.replace(ADDRESS, url) + shown], tmp_path) == "True\n"


@pytest.mark.skipif(not NPM.is_dir(), reason="OpenAI's npm client is not installed: needs Node.js and npm")
def test_javascript(url: str, tmp_path: Path) -> None:
    (program,) = blocks(PROGRAMS, "js")
    assert run_module(program.replace(ADDRESS, url), tmp_path) == "issued_here\n"
    assert (tmp_path / "frog.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl or jq is not installed")
def test_curl(url: str, tmp_path: Path) -> None:
    commands = blocks(PROGRAMS, "sh")[0].replace(ADDRESS, url)
    assert run(["sh", "-ec", commands], tmp_path) == "issued_here\n"
    assert (tmp_path / "frog.png").stat().st_size > 1000
