import datetime as dt

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.likeness.receipts import TYPE, Signer, digest

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture
def signer() -> Signer:
    return Signer(Ed25519PrivateKey.generate(), "A studio")


def sign(signer: Signer) -> str:
    return signer.sign("G-1", "S-1", "a poster", ["portrait", "edit"], "studio", NOW, NOW + dt.timedelta(days=1))


def test_a_receipt_says_what_was_allowed(signer: Signer) -> None:
    assert signer.verify(sign(signer)) == {
        "iss": "A studio",
        "sub": "S-1",
        "aud": "studio",
        "jti": "G-1",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 86400,
        "purpose": "a poster",
        "scope": "portrait edit",
    }


def test_anybody_can_check_it_with_the_published_key(signer: Signer) -> None:
    receipt = sign(signer)
    key = jwt.PyJWK.from_dict(signer.public_jwk)
    assert jwt.get_unverified_header(receipt) == {"alg": "EdDSA", "kid": key.key_id, "typ": TYPE}
    assert jwt.decode(receipt, key, ["EdDSA"], options={"verify_exp": False, "verify_aud": False})["jti"] == "G-1"


def test_other_texts_are_none(signer: Signer) -> None:
    receipt = sign(signer)
    head, body, signature = receipt.split(".")
    other = Signer(Ed25519PrivateKey.generate(), "A studio")
    for text in ("", "a.b.c", f"{head}.{body}.", f"{head}.{body}.{'A' * len(signature)}", sign(other)):
        assert signer.verify(text) is None
    assert signer.verify(jwt.encode({"jti": "G-1"}, "", "none")) is None


def test_a_token_of_another_type_is_none(signer: Signer) -> None:
    token = jwt.encode({"jti": "G-1"}, signer._key, "EdDSA", {"typ": "JWT"})
    assert signer.verify(token) is None


def test_the_digest_is_of_the_text(signer: Signer) -> None:
    assert digest("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
