"""The demo. Every step is a command you can type yourself. Images and a page with all reports go to demo-out/."""

import argparse
import io
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.demo_page import CHANGED_PIXEL, write_page
from service.examiner.report import Report

PROMPT = "a red umbrella on a beach"
OUT = Path("demo-out")
COPIES = {
    "issued.png": "as issued",
    "stripped.jpg": "metadata stripped, half size, JPEG quality 70",
    "changed.png": "one pixel changed, credential left in place",
    "elsewhere.png": "an image from elsewhere",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt", nargs="?", default=PROMPT)
    parser.add_argument("--seed", default="4")
    arguments = parser.parse_args()
    start = time.monotonic()
    OUT.mkdir(exist_ok=True)
    os.environ.setdefault("COUNTERMARK_HOME", str(OUT / "home"))
    issued = OUT / "issued.png"

    say("0. Download the detector's encoder, once. Without it the small network judges alone.")
    countermark("models", "pull", "clip-vit-b16", may_fail=True)
    say("1. Generate an image. It is screened, marked, signed, proved and recorded before it leaves.")
    countermark("generate", arguments.prompt, "--out", str(issued), "--seed", arguments.seed, "--force")
    make_copies(issued)
    names = [str(OUT / name) for name in COPIES]
    say("2. Verify it and three other files: " + "; ".join(f"{n} ({what})" for n, what in COPIES.items()) + ".")
    for name in names:
        print(f"   exit code {countermark('verify', name, may_fail=True)}")
    say("3. Show the full report on the stripped copy.")
    countermark("inspect", str(OUT / "stripped.jpg"))
    say("4. Check the record of decisions.")
    countermark("audit", "verify")
    write_page(OUT, arguments.prompt, examined(names))
    say(f"Done in {time.monotonic() - start:.0f} s. Open {OUT / 'index.html'}")


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def countermark(*command: str, may_fail: bool = False) -> int:
    """Print the command, run it and return its exit code."""
    print(f"$ {shlex.join(['countermark', *command])}", flush=True)
    code = subprocess.run(["countermark", *command], check=False).returncode  # noqa: S603, S607 - our own script
    if code and not may_fail:
        sys.exit(code)
    return code


def make_copies(issued: Path) -> None:
    """Write the three other files: two altered copies of the issued image and one unrelated image."""
    image = Image.open(issued).convert("RGB")
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    half.save(OUT / "stripped.jpg", quality=70)
    (OUT / "changed.png").write_bytes(change_one_pixel(issued.read_bytes()))
    Image.effect_mandelbrot((512, 512), (-2.0, -1.2, 0.8, 1.2), 90).convert("RGB").save(OUT / "elsewhere.png")


def change_one_pixel(png: bytes) -> bytes:
    """Change one pixel, encode the image again and put the old C2PA chunk back after the header."""
    rgb = np.array(Image.open(io.BytesIO(png)).convert("RGB"))
    column, row = CHANGED_PIXEL
    rgb[row, column] ^= 1
    encoded = io.BytesIO()
    Image.fromarray(rgb).save(encoded, "PNG")
    start = png.index(b"caBX") - 4
    chunk = png[start : start + 12 + int.from_bytes(png[start : start + 4], "big")]
    header_end = 33  # signature and IHDR
    return encoded.getvalue()[:header_end] + chunk + encoded.getvalue()[header_end:]


def examined(names: list[str]) -> list[Report]:
    """The whole reports, for the page."""
    command = ["countermark", "inspect", "--json", *names]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
    return [Report.model_validate_json(line) for line in lines.splitlines()]


if __name__ == "__main__":
    main()
