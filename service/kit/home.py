"""The folder that holds all state, and the only code that writes secrets into it."""

import contextlib
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

import structlog

from service.kit.errors import Misconfigured

log = structlog.get_logger()

LEDGER_FILE = "ledger.db"
KEYS_FOLDER = "keys"
ANSWERS_FOLDER = "answers"
JOBS_FOLDER = "jobs"
_PRIVATE_FOLDERS = (KEYS_FOLDER, "held", "adapters", ANSWERS_FOLDER, JOBS_FOLDER)
_SECRET_BYTES = 32
_GROUP_AND_OTHERS = 0o077
_ORPHAN_SECONDS = 31 * 86400  # a younger file may be about to be recorded, or belong to another database


def prepare(home: Path) -> Path:
    """Create `home` (mode 0700) if it does not exist, and return it.

    Raises:
        Misconfigured: it cannot be created or is not writable.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as denied:
        raise Misconfigured(f"cannot create COUNTERMARK_HOME {home}: {denied.strerror}") from denied
    if not os.access(home, os.W_OK):
        raise Misconfigured(f"COUNTERMARK_HOME {home} is not writable")
    return home


def secret(path: Path) -> bytes:
    """Return the secret in `path`; create it (32 random bytes, mode 0600) if it does not exist."""
    if not path.exists():
        create(path, secrets.token_bytes(_SECRET_BYTES))
    return read_private(path)


def create(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically, mode 0600, unless the file already exists.

    Two processes may start at the same time: `os.link` lets exactly one of them win, so both read the same secret.
    """
    with _written_beside(path, data) as written, contextlib.suppress(FileExistsError):
        os.link(written, path)


def replace(path: Path, data: bytes) -> None:
    """Write `data` to `path` (mode 0600) atomically, in the place of what is there."""
    with _written_beside(path, data) as written:
        written.replace(path)


@contextlib.contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """A temporary file (mode 0600) with `data`, on the disk and in the folder of `path`. Removed if it is still there
    afterwards."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            sync(file)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock across threads and processes: of two changes of keys at once, one would be lost.

    Raises Misconfigured on a system without file locks.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every platform, and reading keys does not need it
    except ImportError as missing:
        raise Misconfigured("this system cannot rotate keys: it has no file locks", hint="Use a key file.") from missing
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # releases the lock


def sweep(folder: Path, known: Collection[Path]) -> None:
    """Delete what a process left that died before it could record it: files that are not `known`, and old. Never
    raises."""
    for path in set(folder.glob("*")) - set(known) if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if is_orphan(path):
                path.unlink()


def is_orphan(path: Path) -> bool:
    """Whether a file or folder that nothing refers to is so old that nothing ever will. False if it is gone."""
    try:
        return path.stat().st_mtime < time.time() - _ORPHAN_SECONDS
    except OSError:
        return False


def sync(file: IO[bytes]) -> None:
    """What was written into the file is on the disk afterwards."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """The names in the folder are on the disk afterwards. Windows cannot be asked to, and does it by itself."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def protect(home: Path) -> list[Path]:
    """Take the rights of group and others from the state in `home`, and return what they had rights to.

    That is the folder itself, the database's files, and the folders of keys, held images, adapters, kept answers and
    jobs with all that is in them. A secret that others could read is not mended but refused by `read_private`: it may
    be known already. What belongs to another user, such as the root of a mounted volume, stays as it is.
    """
    if os.name != "posix":
        return []
    return [path for path in (home, *_state(home)) if _restrict(path)]


def _state(home: Path) -> Iterator[Path]:
    """Everything that `protect` is for below `home`."""
    yield from home.glob(f"{LEDGER_FILE}*")
    for name in _PRIVATE_FOLDERS:
        folder = home / name
        if folder.is_dir() and not folder.is_symlink():
            yield folder
            yield from (path for path in folder.rglob("*") if name != KEYS_FOLDER or path.is_dir())


def _restrict(path: Path) -> bool:
    """Whether others had rights to the path, which are taken now; a link is left alone, and so is what is gone."""
    try:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink() or not mode & _GROUP_AND_OTHERS:
            return False
        path.chmod(mode & ~_GROUP_AND_OTHERS)
    except OSError as denied:
        log.warning("rights_not_restricted", path=str(path), reason=denied.strerror)
        return False
    log.warning("rights_restricted", path=str(path), before=f"{mode:04o}")
    return True


def read_private(path: Path) -> bytes:
    """Return the bytes of a secret file. Raises Misconfigured if it is missing or readable by others."""
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as missing:
        raise Misconfigured(f"{path} cannot be read: {missing.strerror}") from missing
    if os.name == "posix" and mode & _GROUP_AND_OTHERS:
        raise Misconfigured(f"{path} holds a secret but other users can read it; run: chmod 600 {path}")
    return data
