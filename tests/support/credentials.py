"""Credentials that were read, in short."""

from typing import Any

from watermark.c2pa.credential import Credential, State
from watermark.c2pa.status import Integrity, SignerStatus

_STATES: dict[State, tuple[Integrity, SignerStatus]] = {
    "trusted": (Integrity.INTACT, SignerStatus.TRUSTED),
    "valid_untrusted": (Integrity.INTACT, SignerStatus.UNKNOWN),
    "invalid": (Integrity.ALTERED, SignerStatus.UNKNOWN),
    "absent": (Integrity.ABSENT, SignerStatus.NONE),
    "remote_only": (Integrity.ABSENT, SignerStatus.NONE),
}


def read(state: State, **fields: Any) -> Credential:
    """A credential whose state in one word is `state`; `invalid` ones were altered."""
    integrity, signer = _STATES[state]
    if state == "remote_only":
        fields = {"remote_url": "https://example.org/manifest", **fields}
    return Credential(integrity, signer, bound=integrity is Integrity.INTACT, **fields)
