"""Files in and out of the command line."""

import glob
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.kit.errors import BadRequest, FileUnreadable
from service.media.pictures import OutputFormat

STDIO = "-"
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff"})
_FORMATS: dict[str, OutputFormat] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


def read(name: str, most: int) -> bytes:
    """The bytes of a file, or of standard input for `-`; one more than `most` where there are more.

    Raises:
        FileUnreadable: there is no such file, or it may not be read.
    """
    try:
        if name == STDIO:
            return sys.stdin.buffer.read(most + 1)
        with Path(name).open("rb") as file:
            return file.read(most + 1)
    except OSError as gone:
        raise FileUnreadable(f"{name} cannot be read: {gone.strerror}") from gone


def expand(paths: Sequence[str]) -> Iterator[str]:
    """The pictures that paths name, in order: folders are searched to the bottom, globs are matched.

    Raises:
        FileUnreadable: a folder or glob holds no picture. A plain file is not looked at here.
    """
    for path in paths:
        if path != STDIO and Path(path).is_dir():
            found = sorted(str(p) for p in Path(path).rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        elif path != STDIO and not Path(path).exists() and glob.has_magic(path):
            matches = glob.iglob(path, recursive=True)  # noqa: PTH207 - absolute and relative alike
            found = sorted(name for name in matches if Path(name).is_file())
        else:
            found = [path]
        if not found:
            raise FileUnreadable(f"{path} holds no picture", hint=f"Pictures end in {', '.join(sorted(PICTURES))}.")
        yield from found


def make_folder(folder: Path) -> None:
    """Raises BadRequest where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as denied:
        raise BadRequest(f"{folder} cannot be made: {denied.strerror}", hint="Choose another folder.") from denied


def stem(name: str) -> str:
    """What to call a file made from `name`."""
    return "stdin" if name == STDIO else Path(label(name)).stem


def label(name: str) -> str:
    """The name as valid text: file names may hold bytes that are none."""
    return os.fsencode(name).decode("utf-8", "replace")


def printable(text: str) -> str:
    """`text` without control characters: a file must not steer the terminal of whoever examines it."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def format_of(name: str) -> OutputFormat:
    """The format a file name asks for. Raises BadRequest for an ending that is none of ours."""
    if name == STDIO:
        return "png"
    try:
        return _FORMATS[Path(name).suffix.lower()]
    except KeyError:
        raise BadRequest(f"{name} names no format", hint=f"End the name in one of {', '.join(_FORMATS)}.") from None


def check_target(name: str, force: bool) -> None:
    """Raises BadRequest, before anything is drawn, where the file could not be written."""
    if name == STDIO:
        return
    path = Path(name)
    if path.is_dir():
        raise BadRequest(f"{name} is a folder", hint="Name a file.")
    if path.exists() and not force:
        raise BadRequest(f"{name} is there already", hint="Choose another name, or add --force.")
    if not os.access(path.parent, os.W_OK):
        raise BadRequest(f"the folder {path.parent} cannot be written", hint="Choose another folder.")


def write(name: str, data: bytes, mode: int = 0o666) -> None:
    """Write the file whole or not at all: under another name first, then renamed. `mode`: before the umask."""
    if name == STDIO:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
