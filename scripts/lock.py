"""Write requirements/*.lock: what the scripts and the Dockerfile install, by version and SHA-256.

Needs `uv` on the PATH and the public package index. Versions stay as they are in the locks; a package that is new
there gets its newest version that fits, and `--upgrade` asks that of all. Each lock holds for Linux (x86-64, ARM),
macOS and Windows and for every Python we support.

torch has locks of its own, since pip must not choose between its builds: torch-cpu.lock is the build for the CPU alone,
which pip finds where it is told to look at PyTorch's own index (PIP_EXTRA_INDEX_URL) or in a folder (PIP_FIND_LINKS);
torch.lock is what the public package index has, on Linux with CUDA's libraries.
"""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
BUILD = ("hatchling", "editables")  # what builds the project itself, so that pip need not fetch it unchecked

LOCKS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "generate": ("generate",),
    "train": ("generate", "train"),
    "test": ("dev", "generate", "faces", "postgresql", "foreign-marks", "hsm", "archive", "otel"),
}
LEFT_OUT = ("opencv-python",)  # invisible-watermark asks for it, and it would replace our headless OpenCV

_TORCH = re.compile(r"torch$|(nvidia|cuda|triton)\b")  # with what its build on PyPI brings along
_NOTE = "# Made by scripts/lock.py; installed with `pip install --require-hashes --no-deps -r`. {}\n"

Entries = dict[str, str]
"""Each package's lines by its name: its pin, and its hashes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="move every package to its newest version that fits")
    parser.add_argument(
        "--torch-cpu-index", help="address of PyTorch's index of CPU builds; unset: that lock stays as it is"
    )
    options = parser.parse_args()
    pins = "" if options.upgrade else known_pins()
    torch: Entries = {}
    plain: Entries = {}
    for name, extras in LOCKS.items():
        entries = compiled(extras, pins)
        pins += "\n" + "".join(entries.values())  # one version in all locks
        plain = plain or entries  # the first
        torch |= {package: text for package, text in entries.items() if _TORCH.match(package)}
        write(name, f"Extras: {', '.join(extras) or 'none'}.", {k: v for k, v in entries.items() if k not in torch})
    driver = {k: v for k, v in compiled(("postgresql",), pins).items() if k not in plain}
    write("postgresql", "PostgreSQL's driver, beside another lock.", driver)
    write("torch", "Its build on the public package index.", torch)
    if options.torch_cpu_index:
        version = re.split(r"==|\s", torch["torch"])[1]
        built = uv("-", "--no-deps", "--default-index", options.torch_cpu_index, stdin=f"torch=={version}+cpu")
        write("torch-cpu", "Its build for the CPU.", built)


def known_pins() -> str:
    """Every pin in the present locks, with its hashes."""
    return "\n".join(path.read_text() for path in sorted(FOLDER.glob("*.lock")))


def compiled(extras: tuple[str, ...], pins: str) -> Entries:
    """What the project needs with these extras, as uv resolves it."""
    options = [option for extra in extras for option in ("--extra", extra)]
    options += [option for package in LEFT_OUT for option in ("--no-emit-package", package)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(re.findall(r"^[\w.-]+==[^\s;+]+", pins, re.MULTILINE)))
        constraints.flush()
        return uv("pyproject.toml", "-", *options, "-c", constraints.name, stdin="\n".join(BUILD))


def uv(*words: str, stdin: str) -> Entries:
    """What `uv pip compile` writes. Neither this machine's configuration nor its index gets into it."""
    command = ["uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate"]
    done = subprocess.run([*command, *words], input=stdin, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)  # noqa: S603
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
