"""A signing key on a device: an HSM, a smart card or SoftHSM2, through its PKCS#11 library (extra `hsm`)."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.kit.errors import Misconfigured
from watermark.c2pa.cose import Algorithm

_DIGESTS = {"es256": hashlib.sha256, "es384": hashlib.sha384}


@dataclass(frozen=True, slots=True)
class Location:
    """Where a key is: the device's library, the token's label and the key's label."""

    module: Path
    token: str
    key: str


def open_key(at: Location, pin: bytes | None, algorithm: Algorithm) -> Callable[[bytes], bytes]:
    """A function that signs with the key. Thread-safe: one session, used by one thread at a time.

    Raises:
        Misconfigured: the library, the token or the key cannot be opened, or the PIN is another.
    """
    try:
        import pkcs11  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise Misconfigured(
            "keys on devices need the package python-pkcs11", hint="Install countermark[hsm]."
        ) from missing
    try:
        token = pkcs11.lib(str(at.module)).get_token(token_label=at.token)
        session = _session(token, pin.decode() if pin else None)
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=at.key)
    except (pkcs11.PKCS11Error, RuntimeError, OSError, UnicodeDecodeError) as failed:
        raise Misconfigured(
            f"the key {at.key} on the token {at.token} cannot be opened ({type(failed).__name__}: {failed})",
            hint="Check the library, the labels, and the PIN in the file named by COUNTERMARK_SIGNING_PASSWORD_FILE.",
        ) from failed
    lock, mechanism = threading.Lock(), pkcs11.Mechanism

    def sign(data: bytes) -> bytes:
        with lock:
            return _signed(key, mechanism, data, algorithm)

    return sign


def _session(token: Any, pin: str | None) -> Any:
    """A session that may use private keys. A login holds for all of a process's sessions on a token."""
    import pkcs11  # noqa: PLC0415 - an extra, which `open_key` has imported

    try:
        return token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:
        return token.open()


def _signed(key: Any, mechanism: Any, data: bytes, algorithm: Algorithm) -> bytes:
    """The device hashes as little as it must: not every one offers ECDSA together with a hash."""
    if algorithm in _DIGESTS:
        return bytes(key.sign(_DIGESTS[algorithm](data).digest(), mechanism=mechanism.ECDSA))
    if algorithm == "ed25519":
        return bytes(key.sign(data, mechanism=mechanism.EDDSA))
    import pkcs11  # noqa: PLC0415 - an extra, which `open_key` has imported

    salt = (mechanism.SHA256, pkcs11.MGF.SHA256, hashlib.sha256().digest_size)
    return bytes(key.sign(data, mechanism=mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=salt))
