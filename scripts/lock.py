"""Write requirements/*.lock: what the scripts and the Dockerfile install, by version and SHA-256.

Needs `uv` on the PATH and the public package index. Versions stay as they are in the locks; a package that is new
there gets its newest version that fits, and `--upgrade` asks that of all. Each lock holds for Linux (x86-64, ARM),
macOS and Windows and for every Python we support.

torch is listed with the public files of two builds: for the CPU alone, from download.pytorch.org/whl/cpu, which pip
prefers wherever it finds it (PIP_EXTRA_INDEX_URL, or a folder in PIP_FIND_LINKS), and PyPI's. On Linux the latter
needs CUDA's libraries, which are in cuda.lock and are installed only where torch cannot be imported without them.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
INDEX = "https://pypi.org/simple"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
BUILD = ("hatchling", "editables")  # what builds the project itself, so that pip need not fetch it unchecked

LOCKS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "generate": ("generate",),
    "train": ("generate", "train"),
    "test": ("dev", "generate", "faces", "postgresql", "foreign-marks"),
}
LEFT_OUT = ("opencv-python",)  # invisible-watermark asks for it, and it would replace our headless OpenCV

_CUDA = re.compile(r"(nvidia|cuda|triton)\b")
_NOTE = "# Made by scripts/lock.py; installed with `pip install --require-hashes --no-deps -r`. {}\n"

Entries = dict[str, str]
"""Each package's lines by its name: its pin, and its hashes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="move every package to its newest version that fits")
    pins = "" if parser.parse_args().upgrade else known_pins()
    cuda: Entries = {}
    for name, extras in LOCKS.items():
        entries = compiled(extras, pins)
        pins += "\n" + "".join(entries.values())  # one version in all locks
        if "torch" in entries:
            entries["torch"] = with_cpu_build(entries["torch"])
        cuda |= {package: text for package, text in entries.items() if _CUDA.match(package)}
        write(name, f"Extras: {', '.join(extras) or 'none'}.", {k: v for k, v in entries.items() if k not in cuda})
    write("cuda", "For torch as PyPI has it for Linux.", cuda)


def known_pins() -> str:
    """Every pin in the present locks, with its hashes."""
    return "\n".join(path.read_text() for path in sorted(FOLDER.glob("*.lock")))


def compiled(extras: tuple[str, ...], pins: str) -> Entries:
    """What the project needs with these extras, as uv resolves it."""
    options = [option for extra in extras for option in ("--extra", extra)]
    options += [option for package in LEFT_OUT for option in ("--no-emit-package", package)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(re.findall(r"^[\w.-]+==[^\s;]+", pins, re.MULTILINE)))
        constraints.flush()
        return uv("pyproject.toml", "-", *options, "-c", constraints.name, stdin="\n".join(BUILD), index=INDEX)


def with_cpu_build(torch: str) -> str:
    """The lines of torch with the hashes of its CPU build, or of those that were known where they cannot be read."""
    version = re.split(r"==|\s", torch)[1]
    try:
        built = uv("-", "--no-deps", stdin=f"torch=={version}+cpu", index=TORCH_CPU_INDEX)["torch"]
    except subprocess.CalledProcessError:
        before = FOLDER / "test.lock"
        built = split(before.read_text())["torch"] if before.exists() else ""
        print(f"{TORCH_CPU_INDEX} cannot be read: hashes of the CPU build stay as they are", file=sys.stderr)
    pin, *hashes = torch.rstrip().split(" \\\n")
    known = dict.fromkeys([*hashes, *(f"    {one}" for one in re.findall(r"--hash=sha256:\w+", built))])
    return " \\\n".join([pin, *known]) + "\n"


def uv(*words: str, stdin: str, index: str) -> Entries:
    """What `uv pip compile` writes. Neither this machine's configuration nor its index gets into it."""
    command = ["uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--default-index", index]
    done = subprocess.run([*command, *words], input=stdin, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603
    return split(done.stdout)


def split(text: str) -> Entries:
    """A lock's packages by name."""
    entries: Entries = {}
    for part in re.findall(r"^(?!#)\S.*\n(?:[ \t]+.*\n)*", text, re.MULTILINE):
        package = re.split(r"[=\s;]", part, maxsplit=1)[0]
        entries[package] = entries.get(package, "") + part
    return entries


def write(name: str, note: str, entries: Entries) -> None:
    path = FOLDER / f"{name}.lock"
    path.write_text(_NOTE.format(note) + "".join(entries[package] for package in sorted(entries)))
    print(f"{path.relative_to(ROOT)}: {len(entries)} packages")


if __name__ == "__main__":
    main()
