import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.certificates import Issued, authority, key_for, leaf
from watermark.c2pa.cose import Algorithm
from watermark.c2pa.signers import CallbackSigner, KeySigner, SignerError, chain_of, signature_size

ALGORITHMS: tuple[Algorithm, ...] = ("es256", "es384", "ps256", "ed25519")


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_has_the_size_that_is_reserved(root: Issued, algorithm: Algorithm) -> None:
    one = leaf(root, algorithm)
    signer = KeySigner(one.pem + root.pem, one.key_pem, algorithm)
    assert len(signer.sign(b"claim")) == signature_size(signer.chain, algorithm)
    assert repr(signer) == f"KeySigner({algorithm})"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_keys_of_another_kind_are_named(root: Issued, algorithm: Algorithm, other: Algorithm) -> None:
    if algorithm == other:
        return
    one = leaf(root, other)
    with pytest.raises(SignerError, match=f"does not sign with {algorithm}"):
        KeySigner(one.pem, one.key_pem, algorithm)


def test_what_cannot_be_read(root: Issued) -> None:
    with pytest.raises(SignerError, match="not PEM"):
        chain_of(b"garbage")
    with pytest.raises(SignerError, match="unencrypted PEM"):
        KeySigner(leaf(root).pem, b"garbage", "es256")


def test_a_callback_may_answer_in_either_form(root: Issued) -> None:
    key = key_for("es256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    chain = chain_of(leaf(root, key=key).pem)
    kms = CallbackSigner(chain, "es256", lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())))
    raw = kms.sign(b"claim")
    assert len(raw) == 64
    hsm = CallbackSigner(chain, "es256", lambda data: raw)
    assert hsm.sign(b"claim") == raw
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    assert CallbackSigner(chain, "es256", lambda data: encode_dss_signature(r, s)).sign(b"claim") == raw


@pytest.mark.parametrize("answer", [b"", b"no signature", bytes(63), bytes(200)])
def test_an_answer_that_is_no_signature(root: Issued, answer: bytes) -> None:
    signer = CallbackSigner(chain_of(leaf(root).pem), "es256", lambda data: answer)
    with pytest.raises(SignerError, match="no es256 signature"):
        signer.sign(b"claim")


def test_a_callback_that_fails_is_told(root: Issued) -> None:
    def gone(data: bytes) -> bytes:
        raise ConnectionError("the KMS is gone")

    with pytest.raises(SignerError, match="the KMS is gone"):
        CallbackSigner(chain_of(leaf(root).pem), "es256", gone).sign(b"claim")
