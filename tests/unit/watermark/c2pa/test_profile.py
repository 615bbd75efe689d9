import datetime as dt

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from tests.support.certificates import Issued, authority, leaf
from watermark.c2pa.profile import (
    C2PA_CLAIM_SIGNING,
    DOCUMENT_SIGNING,
    CertificateError,
    check_chain,
    check_validity,
    validity,
)

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


def chain(*issued: Issued) -> list[bytes]:
    return [one.certificate.public_bytes(serialization.Encoding.DER) for one in issued]


@pytest.mark.parametrize("purpose", [ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING])
def test_purposes_that_sign(root: Issued, purpose: ObjectIdentifier) -> None:
    check_chain(chain(leaf(root, purposes=[purpose]), root))


@pytest.mark.parametrize(
    "purposes",
    [
        (),
        (ExtendedKeyUsageOID.SERVER_AUTH,),
        (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.SERVER_AUTH),
        (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
        (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING),
        (ExtendedKeyUsageOID.CODE_SIGNING,),
    ],
)
def test_purposes_that_do_not(root: Issued, purposes: tuple[ObjectIdentifier, ...]) -> None:
    with pytest.raises(CertificateError, match="not for signing claims"):
        check_chain(chain(leaf(root, purposes=purposes), root))


def test_a_ca_does_not_sign(root: Issued) -> None:
    with pytest.raises(CertificateError, match="a CA's"):
        check_chain(chain(root))


def test_the_order_of_the_chain(root: Issued) -> None:
    one, other = leaf(root), authority("Another Root")
    check_chain(chain(one, root))
    with pytest.raises(CertificateError, match="not issued by"):
        check_chain(chain(root, one))
    with pytest.raises(CertificateError, match="not issued by"):
        check_chain(chain(one, other))


@pytest.mark.parametrize(("begins", "ends", "says"), [(-20, -1, "expired on"), (2, 20, "not valid before")])
def test_certificates_out_of_time(root: Issued, begins: float, ends: float, says: str) -> None:
    one = chain(leaf(root, begins=begins, ends=ends), root)
    with pytest.raises(CertificateError, match=says):
        check_validity(one, NOW)


def test_an_issuer_out_of_time_counts_too(root: Issued) -> None:
    check_validity(chain(leaf(root), root), NOW)
    with pytest.raises(CertificateError, match=r"CN=Test Root,O=Test expired"):
        check_validity(chain(leaf(root, ends=5000), root), NOW + dt.timedelta(days=4000))


def test_days_left(root: Issued) -> None:
    told = validity(chain(leaf(root, ends=10.5), root))
    assert (told.days_left(NOW), told.days_left(NOW + dt.timedelta(days=12))) == (10, -2)
    assert "Test Signer" in told.subject
    assert "Test Root" in told.issuer
