"""A development PKI for C2PA: root, issuing CA and signing leaf, generated locally and labelled as such.

Its signatures prove that a file comes from this installation and has not changed. They do not prove who operates it:
nobody vouched for these keys, and every other validator rightly reports the signer as untrusted.
Certificate profile: C2PA 2.4, section 14.5.
"""

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from watermark.c2pa.profile import C2PA_CLAIM_SIGNING

LABEL = "DEVELOPMENT ONLY"
ORGANISATION = f"Countermark {LABEL}"

_CA_DAYS = 3650
LEAF_DAYS = 365
"""A leaf signs for a year at most (C2PA certificate policy: 366 days); `renewed` makes the next one."""

_FILLER = ObjectIdentifier("2.25.101829938498217")  # of ours alone; the certificate never leaves the process
_LEAST_RESERVED = 1024  # what the SDK adds to the certificates it reserves room for
_CLOCK_SKEW = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pki:
    """PEM bytes: `chain` (leaf first, then the issuing CA), the leaf's PKCS#8 `key`, and the `root`.

    `issuing_key`: the issuing CA's PKCS#8 key; empty in a PKI made by version 0.1, which cannot be renewed.
    """

    chain: bytes
    key: bytes
    root: bytes
    issuing_key: bytes = b""

    def __repr__(self) -> str:
        return "Pki(...)"


_Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_Issuer = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def make_development_pki() -> Pki:
    """Generate ES256 keys and certificates; every subject name says that they are for development only."""
    root = _authority("Root", issuer=None, path_length=1)
    issuing = _authority("Issuing CA", issuer=root, path_length=0)
    key, leaf = _leaf("Signer", issuing)
    return Pki(_pem(leaf) + _pem(issuing[1]), _key_pem(key), _pem(root[1]), _key_pem(issuing[0]))


def renewed(pki: Pki) -> Pki:
    """The same PKI with a new leaf and key. What the old leaf signed reads as before: the root is the same.

    Raises ValueError if the issuing CA's key is not in it.
    """
    issuing_key = serialization.load_pem_private_key(pki.issuing_key, None)
    if not isinstance(issuing_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the issuing CA's key is not an elliptic-curve key")
    issuing = x509.load_pem_x509_certificates(pki.chain)[1]
    key, leaf = _leaf("Signer", (issuing_key, issuing))
    return Pki(_pem(leaf) + _pem(issuing), _key_pem(key), pki.root, pki.issuing_key)


def placeholder(size: int) -> Pki:
    """A throw-away certificate for which the SDK reserves at least `size` bytes of signature; see `signing`.

    Its key is Ed25519: the SDK signs with it faster than with P-256.
    """
    key = ed25519.Ed25519PrivateKey.generate()
    builder = _as_leaf(_certificate("Placeholder", key, None, LEAF_DAYS))
    bare = builder.sign(key, None).public_bytes(serialization.Encoding.DER)
    missing = max(0, size - _LEAST_RESERVED - len(bare))
    builder = builder.add_extension(x509.UnrecognizedExtension(_FILLER, bytes(missing)), critical=False)
    leaf = builder.sign(key, None)
    return Pki(_pem(leaf), _key_pem(key), _pem(leaf))


def _authority(role: str, issuer: _Issuer | None, path_length: int) -> _Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer[0] if issuer else key
    builder = _certificate(role, key, issuer, _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return key, builder.sign(signer, hashes.SHA256())


def _leaf(role: str, issuer: _Issuer) -> _Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, _as_leaf(_certificate(role, key, issuer, LEAF_DAYS)).sign(issuer[0], hashes.SHA256())


def _as_leaf(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    purposes = [C2PA_CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    return builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)


def _certificate(role: str, key: _Key, issuer: _Issuer | None, days: int) -> x509.CertificateBuilder:
    subject = _name(role)
    signer = issuer[0] if issuer else key
    start = dt.datetime.now(dt.UTC) - _CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{role} ({LABEL})"),
        ]
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
