import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from watermark.c2pa.pki import LABEL, Pki, make_development_pki, placeholder, renewed
from watermark.c2pa.profile import C2PA_CLAIM_SIGNING


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_development_pki()


@pytest.fixture(scope="module")
def certificates(pki: Pki) -> list[x509.Certificate]:
    """Leaf, issuing CA, root."""
    return [*x509.load_pem_x509_certificates(pki.chain), x509.load_pem_x509_certificate(pki.root)]


def test_each_is_issued_by_the_next(certificates: list[x509.Certificate]) -> None:
    assert len(certificates) == 3
    for one, issuer in zip(certificates, [*certificates[1:], certificates[-1]], strict=True):
        one.verify_directly_issued_by(issuer)


def test_every_subject_says_what_it_is(certificates: list[x509.Certificate]) -> None:
    assert all(LABEL in one.subject.rfc4514_string() for one in certificates)


def test_only_the_leaf_may_sign_and_nothing_else(certificates: list[x509.Certificate]) -> None:
    authority = [one.extensions.get_extension_for_class(x509.BasicConstraints).value for one in certificates]
    assert [(one.ca, one.path_length) for one in authority] == [(False, None), (True, 0), (True, 1)]
    usage = [one.extensions.get_extension_for_class(x509.KeyUsage).value for one in certificates]
    assert [(one.digital_signature, one.key_cert_sign) for one in usage] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    purposes = certificates[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [C2PA_CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]


def test_the_key_is_the_leafs_and_does_not_show(pki: Pki, certificates: list[x509.Certificate]) -> None:
    key = serialization.load_pem_private_key(pki.key, None)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert key.public_key().public_bytes(*form) == certificates[0].public_key().public_bytes(*form)
    assert repr(pki) == "Pki(...)"
    assert make_development_pki().key != pki.key


def test_a_renewed_leaf_is_issued_by_the_same_ca_for_a_year(pki: Pki) -> None:
    new = renewed(pki)
    old_leaf, new_leaf, issuing = (
        x509.load_pem_x509_certificates(pki.chain)[0],
        *x509.load_pem_x509_certificates(new.chain),
    )
    new_leaf.verify_directly_issued_by(issuing)
    assert new_leaf.public_key() != old_leaf.public_key()
    assert new.root == pki.root
    assert (new_leaf.not_valid_after_utc - new_leaf.not_valid_before_utc).days == 365


def test_a_pki_of_version_0_1_cannot_be_renewed(pki: Pki) -> None:
    with pytest.raises(ValueError, match="PEM"):
        renewed(Pki(pki.chain, pki.key, pki.root))


@pytest.mark.parametrize("size", [0, 2000, 12_000])
def test_a_placeholder_makes_the_sdk_reserve_enough(size: int) -> None:
    from c2pa import C2paSignerInfo, Signer

    stand_in = placeholder(size)
    assert Signer.from_info(C2paSignerInfo("ed25519", stand_in.chain, stand_in.key, None)).reserve_size() >= size
