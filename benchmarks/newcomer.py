"""A newcomer's first minutes: seconds from an empty environment to the first file, image, API call and page.

    python benchmarks/newcomer.py [--screenshots DIR]

Builds the wheel, installs it from the package index into an empty environment with pip, and again with `uv tool
install` where uv is there, and runs what the quickstart says, each time with an empty home folder. Seconds are those of
the clock, each step by itself; those of the installation depend on the network. --screenshots takes a picture of the
pages with Chromium. Prints Markdown.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import photo, wait_until_up
from service.media.pictures import encode

ROOT = Path(__file__).resolve().parents[1]
PORT = 8771
URL = f"http://127.0.0.1:{PORT}"
Run = Callable[..., None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshots", type=Path, help="folder for pictures of the pages")
    options = parser.parse_args()
    columns: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
        (wheel,) = folder.glob("*.whl")
        columns["pip"] = first_minutes(folder / "pip", wheel, with_pip, options.screenshots)
        if shutil.which("uv"):
            columns["uv tool install"] = first_minutes(folder / "uv", wheel, with_uv, None)
    print(f"| step | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for step in columns["pip"]:
        print(f"| {step} | {' | '.join(f'{took[step]:.1f} s' for took in columns.values())} |")


def with_pip(folder: Path, wheel: Path) -> Path:
    """Install into a new environment; returns the command."""
    run(sys.executable, "-m", "venv", str(folder / "venv"))
    run(str(folder / "venv/bin/pip"), "install", "--quiet", str(wheel))
    return folder / "venv/bin/countermark"


def with_uv(folder: Path, wheel: Path) -> Path:
    """The same as a tool of uv's."""
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run("uv", "tool", "install", "--quiet", "--python", sys.executable, str(wheel), env={**os.environ, **places})
    return folder / "bin/countermark"


def first_minutes(
    folder: Path, wheel: Path, install: Callable[[Path, Path], Path], screenshots: Path | None
) -> dict[str, float]:
    """Seconds of each step, by its name."""
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(encode(photo(1, 1024), "jpeg")[0])
    took: dict[str, float] = {}
    home = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    home |= {"COUNTERMARK_HOME": str(folder / "home")}

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        took[step] = time.perf_counter() - start

    with timed("install"):
        command = str(install(folder, wheel))
    with timed("first file verified: `countermark verify photo.jpg`"):
        run(command, "verify", "photo.jpg", cwd=folder, env=home, codes=(0, 1))
    with timed("first image: `countermark generate`"):
        run(command, "generate", "a red fox in the snow", "--out", "fox.png", cwd=folder, env=home)
    with timed("its file verified: `countermark verify fox.png`"):
        run(command, "verify", "fox.png", cwd=folder, env=home)
    start = time.perf_counter()
    server = subprocess.Popen(
        [command, "serve", "--port", str(PORT)],
        env=home,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_up(URL)
        took["server up: `countermark serve`"] = time.perf_counter() - start
        with timed("first image over OpenAI's API (a plain POST)"):
            order = {"model": "gpt-image-1", "prompt": "a frog in a meadow"}
            httpx.post(f"{URL}/v1/images/generations", json=order, timeout=60).raise_for_status()
        with timed("first page: `/`"):
            httpx.get(URL, timeout=60).raise_for_status()
        if screenshots:
            take(screenshots, folder / "fox.png")
    finally:
        server.terminate()
        server.wait()
    return took


def take(out: Path, image: Path) -> None:
    """Pictures of the page for examining, before and after a file was dropped on it."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        page.goto(URL)
        page.screenshot(path=str(out / "newcomer-page.png"))
        page.set_input_files("#file", str(image))
        page.get_by_role("button", name="Examine").click()
        page.locator("[data-result]").first.wait_for()
        page.screenshot(path=str(out / "newcomer-report.png"))
        browser.close()


def run(
    *command: str, codes: tuple[int, ...] = (0,), cwd: Path | None = None, env: dict[str, str] | None = None
) -> None:
    """Raises RuntimeError with the complaint of a command that ends with another code."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)
    if done.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
