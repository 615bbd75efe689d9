"""Reading and writing files for the command line."""

import os
import sys
import tempfile
from pathlib import Path

from service.cli.text import label
from service.kit.errors import BadRequest, FileUnreadable
from service.media.pictures import OutputFormat

STDIO = "-"
_NOT_FETCHED = "Download it first. The operator can set COUNTERMARK_FETCH_URLS for verify, inspect and detect."
_FORMATS: dict[str, OutputFormat] = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".avif": "avif",
    ".tif": "tiff",
    ".tiff": "tiff",
}


def is_url(name: str) -> bool:
    """Whether a name is an address on the web."""
    return name.lower().startswith(("http://", "https://"))


def read(name: str, max_bytes: int, *, fetch: bool = False) -> bytes:
    """Read a file, or standard input for `-`. If it is larger than `max_bytes`, one byte more than that is returned.

    `fetch`: also from the web.

    Raises:
        FileUnreadable: the file does not exist or is not readable.
    """
    if is_url(name):
        if fetch:
            from service.cli import web_files  # noqa: PLC0415 - an HTTP client that few commands need

            return web_files.fetch(name, max_bytes)
        raise FileUnreadable(f"{name} is an address on the web and is not fetched", hint=_NOT_FETCHED)
    try:
        if name == STDIO:
            return sys.stdin.buffer.read(max_bytes + 1)
        with Path(name).open("rb") as file:
            return file.read(max_bytes + 1)
    except IsADirectoryError:
        raise FileUnreadable(f"{name} is a folder and has no file to read here", hint="Name a file.") from None
    except OSError as gone:
        raise FileUnreadable(f"{name} cannot be read: {gone.strerror}") from gone


def make_folder(folder: Path) -> None:
    """Create a folder. Raises BadRequest if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as denied:
        raise BadRequest(f"{folder} cannot be created: {denied.strerror}", hint="Choose another folder.") from denied


def stem(name: str) -> str:
    """The base name for a file derived from `name`."""
    return "stdin" if name == STDIO else Path(label(name)).stem


def format_of(name: str) -> OutputFormat:
    """The image format for a file name. Raises BadRequest if the extension is not supported."""
    if name == STDIO:
        return "png"
    try:
        return _FORMATS[Path(name).suffix.lower()]
    except KeyError:
        raise BadRequest(f"{name} has no supported extension", hint=f"Use one of {', '.join(_FORMATS)}.") from None


def check_target(name: str, force: bool) -> None:
    """Raise BadRequest, before any work is done, if the file could not be written."""
    if name == STDIO:
        return
    path = Path(name)
    if path.is_dir():
        raise BadRequest(f"{name} is a folder", hint="Name a file.")
    if path.exists() and not force:
        raise BadRequest(f"{name} already exists", hint="Choose another name, or add --force.")
    if not os.access(path.parent, os.W_OK):
        raise BadRequest(f"the folder {path.parent} is not writable", hint="Choose another folder.")


def write(name: str, data: bytes, mode: int = 0o666) -> None:
    """Write the file atomically, through a temporary file. `mode` is subject to the umask."""
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
