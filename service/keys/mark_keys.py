"""The watermark's secrets, newest first: from a setting, from an operator's key file, or kept in the home folder.

In the home folder the newest is `keys/mark.secret` and older ones end in `.1`, `.2` and so on, the newest of them
first. A secret that is no longer the newest marks nothing and still reads its marks. In a setting or a file a secret is
text, or `hex:` and the hexadecimal digits of its bytes: those of the home folder are no text.
"""

import codecs
import contextlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service.kit import home
from service.kit.errors import BadRequest, Misconfigured
from service.kit.settings import Settings
from watermark.tile.keyring import MAX_EPOCHS, MIN_SECRET_BYTES

_NEWEST = "keys/mark.secret"
_LOCK = "keys/mark.lock"
_DIGESTS = "keys/digests.secret"
_HEX = b"hex:"
_SECRET_BYTES = 32


def mark_secrets(settings: Settings) -> list[bytes]:
    """Every secret that reads marks, newest first; one is made in the home folder where none is set.

    Raises:
        Misconfigured: a file is missing, open to others, empty, or holds a secret that is too short or no hexadecimal.
    """
    if settings.mark_secret is not None:
        return [_secret(settings.mark_secret.get_secret_value().encode(), "COUNTERMARK_MARK_SECRET")]
    if settings.mark_keys is not None:
        return _listed(settings.mark_keys)
    newest = home.prepare(settings.home) / _NEWEST
    older = _older(newest)
    if older and not newest.exists():  # a new one would mark from now on, and nobody would notice the loss
        raise Misconfigured(
            f"{newest} is missing, and older secrets lie beside it",
            hint=f"Put it back from a backup. If it is lost for good, rename {older[0].name} to {newest.name}.",
        )
    kept = [_long_enough(home.secret(newest), str(newest))]
    kept += [_long_enough(home.read_private(path), str(path)) for path in older]
    return list(dict.fromkeys(kept))  # a rotation that was cut short leaves the newest twice


def digest_secret(settings: Settings) -> bytes:
    """The key behind digests of prompts: made at first use from the oldest secret of that day, and kept since then.

    So it stays what it is when secrets are rotated, dropped, or moved out of the home folder.

    Raises:
        Misconfigured: as `mark_secrets`, or the kept key cannot be used.
    """
    kept = home.prepare(settings.home) / _DIGESTS
    if not kept.exists():  # not the secret itself, which the operator may keep elsewhere on purpose
        home.create(kept, hmac.digest(mark_secrets(settings)[-1], b"countermark prompt digest", "sha256"))
    return _long_enough(home.read_private(kept), str(kept))


def rotate(settings: Settings, *, drop_oldest: bool = False) -> int:
    """Begin a new epoch in the home folder, and return how many secrets there are now.

    Raises:
        BadRequest: the secrets are the operator's own, or the oldest would be lost and that was not asked for.
        Misconfigured: as `mark_secrets`; nothing was changed.
    """
    if not _at_home(settings):
        raise BadRequest(
            "the watermark's secrets are not kept in the home folder",
            hint="Put the new secret on top of the file that COUNTERMARK_MARK_KEYS names.",
        )
    with _alone(home.prepare(settings.home) / _LOCK):
        kept = mark_secrets(settings)
        if len(kept) >= MAX_EPOCHS and not drop_oldest:
            raise BadRequest(
                f"there are {len(kept)} secrets already, and no more are searched for",
                hint="Pass --drop-oldest; pictures marked under the oldest will not be recognised by their mark any "
                "more.",
            )
        digest_secret(settings)  # made now where it is not yet: it comes from the oldest
        _write(settings.home / _NEWEST, [secrets.token_bytes(_SECRET_BYTES), *kept[: MAX_EPOCHS - 1]])
        return len(mark_secrets(settings))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else within at the same time, in this process or another: of two rotations at once one would be lost."""
    try:
        import fcntl  # noqa: PLC0415 - not everywhere, and reading marks does without
    except ImportError as missing:
        raise Misconfigured("keys cannot be rotated on this system", hint="Use a key file instead.") from missing
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which unlocks it


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
    found = [path for path in newest.parent.glob(f"{newest.name}.*") if _is_number(path.suffix[1:])]
    return sorted(found, key=lambda path: int(path.suffix[1:]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _listed(path: Path) -> list[bytes]:
    """The secrets in an operator's file: one a line, newest first; `#` alone or before a blank begins a remark."""
    data = home.read_private(path).removeprefix(codecs.BOM_UTF8)
    lines = [line.strip() for line in data.splitlines()]
    found = [line for line in lines if line and line.split()[0] != b"#"]
    if not found:
        raise Misconfigured(f"{path} holds no secret", hint="Write one a line, the newest first.")
    return [_secret(line, f"secret {number} in {path}") for number, line in enumerate(found, 1)]


def _secret(text: bytes, where: str) -> bytes:
    """The secret that `text` stands for; `where` names it in complaints, which never hold any of it."""
    if not text.startswith(_HEX):
        return _long_enough(text, where)
    try:
        return _long_enough(bytes.fromhex(text.removeprefix(_HEX).decode("ascii")), where)
    except ValueError:  # not `from`: its words hold a part of the secret
        raise Misconfigured(f"{where} begins with hex: and is no hexadecimal") from None


def _long_enough(secret: bytes, where: str) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        raise Misconfigured(
            f"{where} is shorter than {MIN_SECRET_BYTES} bytes", hint="Put it back from a backup, or take a longer one."
        )
    return secret


def _at_home(settings: Settings) -> bool:
    return settings.mark_secret is None and settings.mark_keys is None
