"""The files of jobs: what they were asked to do, and their results. Each is sealed under its job's key.

They are in the home folder of one machine, or of all that share it. `place` names that folder, so that a worker begins
no job whose files are elsewhere.
"""

import contextlib
import secrets
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from service.keys.vault import Vault
from service.kit import home
from service.kit.errors import Unavailable

INPUT = "in-"
"""How the names of files begin that hold what a job was asked to do."""

_PLACE = "place"
_SUFFIX = ".box"


class JobFolder:
    """The folder of all jobs in one home. Thread-safe."""

    def __init__(self, folder: Path, vault: Vault, digest: Callable[[str], str]) -> None:
        self._folder = folder
        self._vault = vault
        self._digest = digest

    @property
    def place(self) -> str:
        """32 hex digits that name this folder; chosen when it is first asked for."""
        path = self._folder / _PLACE
        if not path.exists():
            home.create(path, secrets.token_hex(16).encode())
        return path.read_text("ascii")

    def new(self, job: str) -> "JobFiles":
        """The files of a new job, under a new key."""
        return self.of(job, self._vault.new_key(job))

    def of(self, job: str, wrapped_key: bytes) -> "JobFiles":
        """The files of a job."""
        return JobFiles(job, wrapped_key, self._path(job), self._vault)

    def delete(self, job: str) -> None:
        """Delete all files of a job. Never raises: without its row they are noise."""
        shutil.rmtree(self._path(job), ignore_errors=True)

    def sweep(self, jobs: Collection[str]) -> None:
        """Delete what belongs to none of these jobs, if it is old: a process died before it could record the job."""
        known = {self._path(job) for job in jobs}
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path.is_dir() and path not in known and home.is_orphan(path):
                shutil.rmtree(path, ignore_errors=True)

    def _path(self, job: str) -> Path:
        """Named by a digest: an id of a job opens its result, and a listing of files must not tell any."""
        return self._folder / self._digest(f"job {job}")[:32]


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The files of one job. A file is there as a whole or not at all."""

    job: str
    wrapped_key: bytes
    folder: Path
    vault: Vault

    def write(self, name: str, data: bytes) -> None:
        """Raises Unavailable if it could not be stored."""
        box = self.vault.lock_part(self.wrapped_key, self.job, name, data)
        try:
            home.replace(self._path(name), box)
        except OSError as full:
            raise Unavailable(f"a file of the job could not be stored: {full.strerror}") from full

    def read(self, name: str) -> bytes:
        """Raises Unavailable if it is not here, Misconfigured if it was changed."""
        try:
            box = self._path(name).read_bytes()
        except OSError as lost:
            raise Unavailable(
                f"a file of the job cannot be read: {lost.strerror}",
                hint="It is in the home folder of the machine that took the job on.",
            ) from lost
        return self.vault.unlock_part(self.wrapped_key, self.job, name, box)

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def drop(self, name: str) -> None:
        """Delete a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def drop_inputs(self) -> None:
        """Delete what the job was asked to do: nobody needs it once the job has ended. Never raises."""
        for path in self.folder.glob(f"{INPUT}*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                path.unlink()

    def size(self, *, inputs: bool = True) -> int:
        """Bytes of all files, or of those that stay once the job has ended."""
        paths = (path for path in self.folder.glob(f"*{_SUFFIX}") if inputs or not path.name.startswith(INPUT))
        return sum(path.stat().st_size for path in paths)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"
