"""The file of the vault's key: 32 random bytes, or 64 while the key is being replaced, the newer one first.

Both keys are in one file, so that each step of a rotation is one atomic replacement of it.
"""

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from service.keys.vault import KEY_BYTES
from service.kit import home
from service.kit.errors import Misconfigured

VAULT_FILE = "keys/vault.key"
_LOCK = "keys/vault.lock"
_MOST = 2

Version = tuple[int, int, int]


class VaultKeys:
    """The vault's keys in one home folder. Safe to share between threads and processes."""

    def __init__(self, home_folder: Path) -> None:
        self._path = home_folder / VAULT_FILE
        self._lock = home_folder / _LOCK
        self._read: tuple[Version, tuple[bytes, ...]] | None = None

    def current(self) -> Sequence[bytes]:
        """The keys as they are on the disk now, newest first: a running service picks up a new one by itself.

        The file is made at first use. One that disappears later is not made again: the keys read before stay in use.
        Raises Misconfigured if it is not usable.
        """
        before, version = self._read, _version(self._path)
        if before and version in (before[0], None):
            return before[1]
        data = home.secret(self._path)
        if not data or len(data) % KEY_BYTES or len(data) > _MOST * KEY_BYTES:
            raise Misconfigured(f"{self._path} has {len(data)} bytes, not {KEY_BYTES}, or {_MOST * KEY_BYTES}")
        keys = tuple(data[start : start + KEY_BYTES] for start in range(0, len(data), KEY_BYTES))
        if version := version or _version(self._path):
            self._read = (version, keys)
        return keys

    def changing(self) -> AbstractContextManager[None]:
        """Hold the lock of those who change the keys. Raises Misconfigured on a system without file locks."""
        return home.exclusive(self._lock)

    def add(self) -> None:
        """Make a new key and keep the present one for reading. Raises Misconfigured, OSError: nothing has changed."""
        self._write([secrets.token_bytes(KEY_BYTES), self.current()[0]])

    def drop_old(self) -> None:
        """Keep the newest key alone. Raises Misconfigured, OSError: nothing has changed."""
        self._write([self.current()[0]])

    def _write(self, keys: Sequence[bytes]) -> None:
        home.replace(self._path, b"".join(keys))
        home.sync_folder(self._path.parent)


def _version(path: Path) -> Version | None:
    """Differs whenever the file was replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
