"""Receipts: signed statements of what a subject allowed, which anybody can verify without us.

A receipt is a compact JWS (RFC 7515, EdDSA as in RFC 8037) over JWT claims (RFC 7519). Its SHA-256 is part of the
manifest of every image generated under the grant. It says what was allowed, not whether that is still valid: ask
`GET /v1/consent/receipts/{id}`.
"""

import base64
import datetime as dt
import hashlib
import hmac
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from service.kit.case_numbers import case_number

TYPE = "consent-receipt+jwt"
_ALGORITHM = "EdDSA"


class Signer:
    """Signs receipts with the installation's key."""

    def __init__(self, key: Ed25519PrivateKey, issuer: str) -> None:
        """`issuer` is part of every receipt: the provider's name."""
        self._key = key
        self._issuer = issuer
        self.public_jwk: dict[str, Any] = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.public_jwk |= {"kid": _thumbprint(self.public_jwk), "alg": _ALGORITHM, "use": "sig"}

    def sign(
        self,
        grant: str,
        subject: str,
        purpose: str,
        scopes: list[str],
        grantee: str,
        at: dt.datetime,
        until: dt.datetime,
    ) -> str:
        """The receipt as a compact JWS."""
        claims = {
            "iss": self._issuer,
            "sub": subject,
            "aud": grantee,
            "jti": grant,
            "iat": int(at.timestamp()),
            "exp": int(until.timestamp()),
            "purpose": purpose,
            "scope": " ".join(scopes),
        }
        return jwt.encode(claims, self._key, _ALGORITHM, {"typ": TYPE, "kid": self.public_jwk["kid"]})

    def alias(self, subject: str, grantee: str) -> str:
        """The name of a subject for one grantee, such as `P-7Q2M-0KXA-9F3C-WB5E`: always the same, and nobody can tell
        from it the subject's own number, or the alias that another grantee sees (pairwise identifiers, OpenID Connect
        Core 1.0, section 8.1)."""
        key = hashlib.sha256(b"countermark subject alias" + self._key.private_bytes_raw()).digest()
        text = hmac.digest(key, f"{subject}\0{grantee}".encode(), hashlib.sha256)
        return case_number("P", text)

    def verify(self, receipt: str) -> dict[str, Any] | None:
        """The claims of a receipt that this installation signed, expired or not; None for any other text."""
        options: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
        try:
            whole = jwt.decode_complete(receipt, self._key.public_key(), [_ALGORITHM], options)
        except jwt.PyJWTError:
            return None
        return dict(whole["payload"]) if whole["header"].get("typ") == TYPE else None


def digest(receipt: str) -> str:
    """SHA-256 (hex) of a receipt's text."""
    return hashlib.sha256(receipt.encode()).hexdigest()


def _thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638: SHA-256 over the key's required members, in their order, as base64url."""
    members = f'{{"crv":"{jwk["crv"]}","kty":"{jwk["kty"]}","x":"{jwk["x"]}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()
