"""The demo. Every step is a command you can type yourself. Images and a page with all reports go to demo-out/."""

import argparse
import html
import io
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

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
    write_page(arguments.prompt, names)
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
    rgb[10, 10] ^= 1
    encoded = io.BytesIO()
    Image.fromarray(rgb).save(encoded, "PNG")
    start = png.index(b"caBX") - 4
    chunk = png[start : start + 12 + int.from_bytes(png[start : start + 4], "big")]
    header_end = 33  # signature and IHDR
    return encoded.getvalue()[:header_end] + chunk + encoded.getvalue()[header_end:]


def write_page(prompt: str, names: list[str]) -> None:
    """Write one page that shows every image beside its report."""
    command = ["countermark", "inspect", "--json", *names]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    cards = "".join(card(json.loads(line)) for line in lines.splitlines())
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
        "section{display:grid;grid-template-columns:14rem 1fr;gap:1.5rem;margin:2rem 0}h2,p,ul{margin:0 0 .5rem}"
        "img{width:14rem;border-radius:8px}pre{overflow:auto;max-height:16rem;background:#f4f4f6;padding:1rem}"
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Countermark demo</title><style>{style}</style>'
        f"<h1>{html.escape(prompt)}</h1>"
        "<p>Generated on this machine, then examined: the image as issued, two altered copies of it, "
        f"and an image from elsewhere.</p>{cards}</html>"
    )
    (OUT / "index.html").write_text(page, encoding="utf-8")


def card(report: dict) -> str:  # type: ignore[type-arg]
    name = Path(report["file"]).name
    reasons = "".join(f"<li>{html.escape(reason['text'])}</li>" for reason in report["reasons"])
    if recovered := report["claimed"].get("recovered"):
        recovered["manifest_base64"] = f"({len(recovered['manifest_base64'])} characters)"
    whole = html.escape(json.dumps(report, indent=2))
    return (
        f'<section><img src="{name}" alt="{COPIES[name]}"><div><h2>{report["verdict"]}</h2><p>{name}: '
        f"{COPIES[name]}</p><ul>{reasons}</ul><details><summary>Full report</summary><pre>{whole}</pre></details>"
        "</div></section>"
    )


if __name__ == "__main__":
    main()
