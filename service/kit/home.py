"""The one folder that holds all state, and the only code that writes secrets into it."""

import os
import secrets
import tempfile
from pathlib import Path

from service.kit.errors import Misconfigured

_SECRET_BYTES = 32
_OTHERS = 0o077


def prepare(home: Path) -> Path:
    """Make `home` if it is not there yet, then readable by its owner alone, and return it.

    Raises:
        Misconfigured: it cannot be made or written.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as denied:
        raise Misconfigured(f"COUNTERMARK_HOME {home} cannot be made: {denied.strerror}") from denied
    if not os.access(home, os.W_OK):
        raise Misconfigured(f"COUNTERMARK_HOME {home} cannot be written")
    return home


def secret(path: Path) -> bytes:
    """The secret in `path`, made (32 random bytes, mode 0600) if it is not there yet."""
    if not path.exists():
        create(path, secrets.token_bytes(_SECRET_BYTES))
    return read_private(path)


def create(path: Path, data: bytes) -> None:
    """Write `data` to `path`, mode 0600, whole or not at all; leave a file that is already there.

    Two processes may start at once: `os.link` lets exactly one of them win, so both read the same secret.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def read_private(path: Path) -> bytes:
    """The bytes of a secret file. Raises Misconfigured if it is missing or others may read it."""
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as gone:
        raise Misconfigured(f"{path} cannot be read: {gone.strerror}") from gone
    if os.name == "posix" and mode & _OTHERS:
        raise Misconfigured(f"{path} holds a secret and others may read it: chmod 600 {path}")
    return data
