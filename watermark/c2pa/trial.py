"""A trial signature: everything that would fail at the first image fails before it."""

import datetime as dt
import struct
import zlib

from watermark.c2pa.credentials import Credentials
from watermark.c2pa.manifest import Statement, soft_binding_value
from watermark.c2pa.profile import CertificateError, check_chain, check_validity
from watermark.c2pa.signers import SignerError, check_key, public_key_of
from watermark.c2pa.signing import CredentialError

_MARK_ID = 1


def check(credentials: Credentials, now: dt.datetime) -> None:
    """Sign one grey pixel and read it back, without a time-stamp.

    Raises:
        CredentialError: the certificate has expired or must not sign claims, the key does not belong to it or is of
            another kind than the algorithm, or the key's holder does not sign. The message says which.
    """
    signer = credentials.signer.signer
    try:
        check_chain(signer.chain)
        check_validity(signer.chain, now)
        check_key(public_key_of(signer.chain), signer.algorithm)
    except (CertificateError, SignerError) as wrong:
        raise CredentialError(str(wrong)) from wrong
    signed = credentials.signer.sign(_pixel(), "image/png", _statement(now), stamped=False)
    read = credentials.read(signed.data, "image/png")
    if read.state not in ("trusted", "valid_untrusted"):
        if "claimSignature.mismatch" in read.failures:
            raise CredentialError("the private key does not belong to the first certificate")
        raise CredentialError(f"the trial signature does not verify: {', '.join(read.failures) or read.state}")
    if [binding.value for binding in read.soft_bindings] != [soft_binding_value(_MARK_ID)]:
        raise CredentialError("the trial signature does not read back as it was written")


def _statement(now: dt.datetime) -> Statement:
    return Statement(
        content_id="urn:uuid:00000000-0000-0000-0000-000000000000",
        created_at=now,
        provider="trial",
        system="trial",
        system_version="0",
        model="none",
        model_version="0",
        model_digest="0" * 64,
        mark_algorithm="org.countermark.trial",
        mark_id=_MARK_ID,
    )


def _pixel() -> bytes:
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(b"\0\x80")), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
