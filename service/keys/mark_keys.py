"""The watermark's secrets, newest first: from a setting, from the operator's key file, or from the home folder.

In the home folder the newest secret is `keys/mark.secret`; older ones end in `.1`, `.2` and so on, `.1` being the most
recent. The newest secret marks new images; older ones only read the marks made with them. In a setting or a key file a
secret is text, or `hex:` followed by hexadecimal digits, which is how a (binary) secret of the home folder is moved.
"""

import codecs
import hmac
import secrets
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
    """Every secret that reads marks, newest first. If none is configured, one is generated in the home folder.

    Raises:
        Misconfigured: a file is missing, readable by others or empty, or a secret is too short or invalid hexadecimal.
    """
    if settings.watermark_secret is not None:
        return [_secret(settings.watermark_secret.get_secret_value().encode(), "COUNTERMARK_WATERMARK_SECRET")]
    if settings.watermark_secrets_file is not None:
        return _listed(settings.watermark_secrets_file)
    newest = home.prepare(settings.home) / _NEWEST
    older = _older(newest)
    if older and not newest.exists():  # a new secret would silently take over, and nobody would notice the loss
        raise Misconfigured(
            f"{newest} is missing, but older secrets exist beside it",
            hint=f"Restore it from a backup. If it is lost for good, rename {older[0].name} to {newest.name}.",
        )
    kept = [_long_enough(home.secret(newest), str(newest))]
    kept += [_long_enough(home.read_private(path), str(path)) for path in older]
    return list(dict.fromkeys(kept))  # an interrupted rotation leaves the newest twice


def digest_secret(settings: Settings) -> bytes:
    """The key of prompt digests: derived at first use from the oldest secret, then stored.

    It therefore stays the same when secrets are rotated, dropped, or moved out of the home folder.

    Raises:
        Misconfigured: as `mark_secrets`, or the stored key is not usable.
    """
    kept = home.prepare(settings.home) / _DIGESTS
    if not kept.exists():  # derived: the operator may keep the secret itself elsewhere on purpose
        home.create(kept, hmac.digest(mark_secrets(settings)[-1], b"countermark prompt digest", "sha256"))
    return _long_enough(home.read_private(kept), str(kept))


def rotate(settings: Settings, *, drop_oldest: bool = False) -> int:
    """Add a new secret to the home folder, and return the number of secrets.

    Raises:
        BadRequest: the secrets are not in the home folder, or the oldest would be lost without `drop_oldest`.
        Misconfigured: as `mark_secrets`; nothing was changed.
    """
    if not _at_home(settings):
        raise BadRequest(
            "the watermark's secrets are not kept in the home folder",
            hint="Add the new secret as the first line of the file named by COUNTERMARK_WATERMARK_SECRETS_FILE.",
        )
    with home.exclusive(home.prepare(settings.home) / _LOCK):
        kept = mark_secrets(settings)
        if len(kept) >= MAX_EPOCHS and not drop_oldest:
            raise BadRequest(
                f"there are already {len(kept)} secrets, the most that are searched",
                hint="Pass --drop-oldest; images marked under the oldest secret will no longer be recognised by it.",
            )
        digest_secret(settings)  # derived now, if not yet: it needs the oldest secret
        _write(settings.home / _NEWEST, [secrets.token_bytes(_SECRET_BYTES), *kept[: MAX_EPOCHS - 1]])
        return len(mark_secrets(settings))


def _write(newest: Path, kept: list[bytes]) -> None:
    """Store `kept` (newest first), writing the oldest first: an interruption at any point loses none of them."""
    older = _older(newest)
    for number in range(len(kept) - 1, -1, -1):
        home.replace(newest if number == 0 else newest.with_name(f"{newest.name}.{number}"), kept[number])
    for path in older[len(kept) - 1 :]:
        path.unlink()


def _older(newest: Path) -> list[Path]:
    found = [path for path in newest.parent.glob(f"{newest.name}.*") if _is_number(path.suffix[1:])]
    return sorted(found, key=lambda path: int(path.suffix[1:]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _listed(path: Path) -> list[bytes]:
    """The secrets in a key file: one per line, newest first; `#` alone or followed by whitespace starts a comment."""
    data = home.read_private(path).removeprefix(codecs.BOM_UTF8)
    lines = [line.strip() for line in data.splitlines()]
    found = [line for line in lines if line and line.split()[0] != b"#"]
    if not found:
        raise Misconfigured(f"{path} holds no secret", hint="Write one secret per line, newest first.")
    return [_secret(line, f"secret {number} in {path}") for number, line in enumerate(found, 1)]


def _secret(text: bytes, where: str) -> bytes:
    """The secret that `text` encodes. `where` names it in error messages, which never contain any of it."""
    if not text.startswith(_HEX):
        return _long_enough(text, where)
    try:
        return _long_enough(bytes.fromhex(text.removeprefix(_HEX).decode("ascii")), where)
    except ValueError:  # not `from`: that message contains part of the secret
        raise Misconfigured(f"{where} begins with hex: but is not valid hexadecimal") from None


def _long_enough(secret: bytes, where: str) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        raise Misconfigured(
            f"{where} is shorter than {MIN_SECRET_BYTES} bytes", hint="Restore it from a backup, or use a longer one."
        )
    return secret


def _at_home(settings: Settings) -> bool:
    return settings.watermark_secret is None and settings.watermark_secrets_file is None
