"""A key that would fail at the first image fails before it, with a message that says why."""

import datetime as dt
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.certificates import Issued, authority, key_for, leaf
from watermark.c2pa import trial
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.signers import CallbackSigner, KeySigner, chain_of
from watermark.c2pa.signing import CredentialError

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


def credentials(root: Issued, *, key: Any = None, **wrong: Any) -> Credentials:
    one = leaf(root, **wrong)
    return Credentials.of(
        KeySigner(one.pem + root.pem, (key or one.key), "es256"), [TrustList("own", root.pem)], require_timestamp=False
    )


def test_a_right_key_passes_trusted_or_not(root: Issued) -> None:
    trial.check(credentials(root), NOW)
    one = leaf(root)
    trial.check(Credentials(one.pem, one.key_pem, "es256", []), NOW)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"begins": -20, "ends": -1}, "expired on"),
        ({"begins": 1}, "not valid before"),
        ({"purposes": [ExtendedKeyUsageOID.SERVER_AUTH]}, "serverAuth, not for signing claims"),
        ({"purposes": []}, "none, not for signing claims"),
        ({"ca": True}, "a CA's"),
        ({"key": "another"}, "does not belong"),
    ],
)
def test_what_is_wrong_is_named(root: Issued, wrong: dict[str, Any], says: str) -> None:
    if wrong.get("key"):
        wrong = {"key": key_for("es256")}
    with pytest.raises(CredentialError, match=says):
        trial.check(credentials(root, **wrong), NOW)


def test_a_certificate_for_another_algorithm(root: Issued) -> None:
    one = leaf(root, "ed25519")
    signer = CallbackSigner(chain_of(one.pem), "es256", lambda data: bytes(64))
    with pytest.raises(CredentialError, match="an Ed25519 key does not sign with es256"):
        trial.check(Credentials.of(signer, [], require_timestamp=False), NOW)


def test_a_holder_that_does_not_sign(root: Issued) -> None:
    def locked(data: bytes) -> bytes:
        raise PermissionError("the HSM is locked")

    signer = CallbackSigner(chain_of(leaf(root).pem), "es256", locked)
    with pytest.raises(CredentialError, match="the HSM is locked"):
        trial.check(Credentials.of(signer, [], require_timestamp=False), NOW)
