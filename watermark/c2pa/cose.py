"""COSE_Sign1 as C2PA uses it (section 13.2; RFC 9052): what is signed, and the box that holds the signature.

The box keeps the size that was reserved for it, so that a time-stamp can be added, or be missing, without moving
anything in the file: the rest is zeros in the unprotected header `pad` (section 13.2.3).
"""

from collections.abc import Sequence
from typing import Any, Literal

import cbor2

Algorithm = Literal["es256", "es384", "ps256", "ed25519"]

_ALGORITHMS: dict[Algorithm, int] = {"es256": -7, "es384": -35, "ps256": -37, "ed25519": -8}  # IANA COSE algorithms
_ALG, _X5CHAIN = 1, 33
_SIGN1 = 18


def protected_header(algorithm: Algorithm, chain: Sequence[bytes]) -> bytes:
    """The protected header: the algorithm and the certificates (DER, leaf first). It is signed."""
    certificates = list(chain) if len(chain) > 1 else chain[0]
    return cbor2.dumps({_ALG: _ALGORITHMS[algorithm], _X5CHAIN: certificates})


def to_be_signed(protected: bytes, claim: bytes) -> bytes:
    """The bytes that are signed: Sig_structure over the claim's CBOR, which is not repeated in the signature box."""
    return cbor2.dumps(["Signature1", protected, b"", claim])


def to_be_stamped(protected: bytes, signature: bytes) -> bytes:
    """The bytes whose hash a time-stamp authority signs (`sigTst2`, section 10.3.2.5): a countersignature's
    Sig_structure over the signature."""
    return cbor2.dumps(["CounterSignature", protected, b"", cbor2.dumps(signature)])


def signature_box(protected: bytes, signature: bytes, token: bytes | None, size: int) -> bytes:
    """A COSE_Sign1 of exactly `size` bytes. `token`: a time-stamp token (RFC 3161, DER).

    Raises ValueError if it does not fit.
    """
    header: dict[str, Any] = {"sigTst2": {"tstTokens": [{"val": token}]}} if token else {}
    left = size - len(_encoded(protected, {**header, "pad": b""}, signature))
    for pads in (_one_pad(left), _two_pads(left)):
        if pads is None:
            continue
        box = _encoded(protected, {**header, **pads}, signature)
        if len(box) == size:
            return box
    raise ValueError(f"the signature needs {size - left} bytes and {size} are reserved")


def needed(protected: bytes, signature: int, token: int) -> int:
    """The bytes to reserve for a signature and a token of these sizes."""
    header = {"sigTst2": {"tstTokens": [{"val": bytes(token)}]}} if token else {}
    return len(_encoded(protected, {**header, "pad": b""}, bytes(signature))) + 8  # either way of padding fits


def _encoded(protected: bytes, unprotected: dict[str, Any], signature: bytes) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(_SIGN1, [protected, unprotected, None, signature]))


def _one_pad(left: int) -> dict[str, bytes] | None:
    """`left` more bytes in one header. Some sizes cannot be reached: a longer length takes longer to write."""
    for length_bytes in (0, 1, 2, 4):
        count = left - length_bytes
        if count >= 0 and len(cbor2.dumps(bytes(count))) == 1 + length_bytes + count:
            return {"pad": bytes(count)}
    return None


def _two_pads(left: int) -> dict[str, bytes] | None:
    second = len(cbor2.dumps("pad2")) + 1
    one = _one_pad(left - second)
    return None if one is None else {**one, "pad2": b""}
