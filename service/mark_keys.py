"""The watermark's secrets, newest first: from a setting, from an operator's key file, or kept in the home folder.

In the home folder the newest is `keys/mark.secret` and older ones end in `.1`, `.2` and so on, the newest of them
first. A secret that is no longer the newest marks nothing and still reads its marks.
"""

import os
import secrets
import tempfile
from pathlib import Path

from service import home
from service.errors import BadRequest, Misconfigured
from service.settings import Settings
from watermark.keyring import MAX_EPOCHS, MIN_SECRET_BYTES

_NEWEST = "keys/mark.secret"
_DIGESTS = "keys/digests.secret"
_SECRET_BYTES = 32


def mark_secrets(settings: Settings) -> list[bytes]:
    """Every secret that reads marks, newest first; one is made in the home folder where none is set.

    Raises:
        Misconfigured: a file is missing, open to others, empty, or holds a secret that is too short.
    """
    if settings.mark_secret is not None:
        return [settings.mark_secret.get_secret_value().encode()]
    if settings.mark_keys is not None:
        return _listed(settings.mark_keys)
    newest = home.prepare(settings.home) / _NEWEST
    kept = [home.secret(newest), *(home.read_private(path) for path in _older(newest))]
    return list(dict.fromkeys(kept))  # a rotation that was cut short leaves the newest twice


def digest_secret(settings: Settings) -> bytes:
    """The secret behind digests of prompts. It stays what it is when the watermark's secret is rotated."""
    kept = settings.home / _DIGESTS
    return home.read_private(kept) if _at_home(settings) and kept.exists() else mark_secrets(settings)[-1]


def rotate(settings: Settings, *, drop_oldest: bool = False) -> int:
    """Begin a new epoch in the home folder, and return how many secrets there are now.

    Raises:
        BadRequest: the secrets are the operator's own, or the oldest would be lost and that was not asked for.
        Misconfigured: as `mark_secrets`.
    """
    if not _at_home(settings):
        raise BadRequest(
            "the watermark's secrets are not kept in the home folder",
            hint="Put the new secret on top of the file that COUNTERMARK_MARK_KEYS names.",
        )
    kept = mark_secrets(settings)
    newest = settings.home / _NEWEST
    if len(kept) >= MAX_EPOCHS and not drop_oldest:
        raise BadRequest(
            f"there are {len(kept)} secrets already, and no more are searched for",
            hint="Pass --drop-oldest; pictures marked under the oldest will not be recognised by their mark any more.",
        )
    home.create(settings.home / _DIGESTS, kept[-1])
    _write(newest, [secrets.token_bytes(_SECRET_BYTES), *kept[: MAX_EPOCHS - 1]])
    return len(mark_secrets(settings))


def _write(newest: Path, kept: list[bytes]) -> None:
    """Store `kept`, oldest first: wherever this stops, no secret is lost that was to be kept."""
    older = _older(newest)
    for number in range(len(kept) - 1, -1, -1):
        _replace(newest if number == 0 else newest.with_name(f"{newest.name}.{number}"), kept[number])
    for path in older[len(kept) - 1 :]:
        path.unlink()


def _replace(path: Path, data: bytes) -> None:
    """Put `data` (mode 0600) in the place of `path`, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _older(newest: Path) -> list[Path]:
    found = [path for path in newest.parent.glob(f"{newest.name}.*") if path.suffix[1:].isdigit()]
    return sorted(found, key=lambda path: int(path.suffix[1:]))


def _listed(path: Path) -> list[bytes]:
    """The secrets in an operator's file: one a line, newest first, `#` begins a remark."""
    lines = [line.strip() for line in home.read_private(path).splitlines()]
    found = [line for line in lines if line and not line.startswith(b"#")]
    if not found:
        raise Misconfigured(f"{path} holds no secret", hint="Write one a line, the newest first.")
    short = [number for number, line in enumerate(found, 1) if len(line) < MIN_SECRET_BYTES]
    if short:
        raise Misconfigured(f"secret {short[0]} in {path} is shorter than {MIN_SECRET_BYTES} bytes")
    return found


def _at_home(settings: Settings) -> bool:
    return settings.mark_secret is None and settings.mark_keys is None
