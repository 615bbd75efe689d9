"""Who holds the signing key: this process, or a device or service that signs for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from watermark.c2pa.cose import Algorithm

_CURVES: dict[Algorithm, tuple[str, int]] = {"es256": ("secp256r1", 32), "es384": ("secp384r1", 48)}
_HASHES: dict[Algorithm, hashes.HashAlgorithm] = {"es256": hashes.SHA256(), "es384": hashes.SHA384()}
_PSS_SALT = 32
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 16384


class SignerError(Exception):
    """A key does not fit, or its holder did not sign. The message has no secret in it."""


class Signer(Protocol):
    """Signs claims. Thread-safe. `chain`: certificates (DER), leaf first, without the root."""

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def chain(self) -> Sequence[bytes]: ...

    def sign(self, data: bytes) -> bytes:
        """The signature of `data` in COSE's form (r and s side by side for ECDSA). Raises SignerError."""
        ...


@dataclass(frozen=True, slots=True)
class CallbackSigner:
    """A key that `callback` signs with: a KMS, an HSM, a signing service.

    The callback gets the bytes to sign, not their hash, and returns a signature: for ECDSA either DER or r and s side
    by side.
    """

    chain: tuple[bytes, ...]
    algorithm: Algorithm
    callback: Callable[[bytes], bytes]

    def sign(self, data: bytes) -> bytes:
        """Raises SignerError if the callback fails or returns something else than a signature of this algorithm."""
        try:
            signature = self.callback(data)
        except Exception as failed:
            raise SignerError(f"the key's holder did not sign ({type(failed).__name__}: {failed})") from failed
        return _raw(signature, self.algorithm)


class KeySigner:
    """A private key in this process."""

    def __init__(self, chain: bytes, key: bytes | PrivateKeyTypes, algorithm: Algorithm) -> None:
        """`chain`: PEM, leaf first. `key`: PEM without a password, or a key object.

        Raises:
            SignerError: something cannot be read, or the key is not one for `algorithm`.
        """
        self.algorithm = algorithm
        self.chain = chain_of(chain)
        self._key = _private(key) if isinstance(key, bytes) else key
        check_key(self._key.public_key(), algorithm)

    def sign(self, data: bytes) -> bytes:
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return _raw(self._key.sign(data, ec.ECDSA(_HASHES[self.algorithm])), self.algorithm)
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), _PSS_SALT), hashes.SHA256())
        raise SignerError("the private key is of a kind that cannot sign claims")

    def __repr__(self) -> str:
        return f"KeySigner({self.algorithm})"


def chain_of(pem: bytes) -> tuple[bytes, ...]:
    """The certificates of a PEM file as DER, in its order. Raises SignerError if there are none."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as malformed:
        raise SignerError("the certificates cannot be read: they are not PEM") from malformed
    return tuple(one.public_bytes(serialization.Encoding.DER) for one in found)


def public_key_of(chain: Sequence[bytes]) -> PublicKeyTypes:
    """The leaf's public key. Raises SignerError if it cannot be read."""
    try:
        return x509.load_der_x509_certificate(chain[0]).public_key()
    except (ValueError, UnsupportedAlgorithm) as unknown:
        raise SignerError("the first certificate's key cannot be read") from unknown


def signature_size(chain: Sequence[bytes], algorithm: Algorithm) -> int:
    """The bytes of a signature by the leaf's key."""
    if algorithm in _CURVES:
        return 2 * _CURVES[algorithm][1]
    public = public_key_of(chain)
    return public.key_size // 8 if isinstance(public, rsa.RSAPublicKey) else 64


def check_key(public: object, algorithm: Algorithm) -> None:
    """Raises SignerError unless keys of this kind make signatures of `algorithm`."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        fits = algorithm in _CURVES and public.curve.name == _CURVES[algorithm][0]
        kind = f"an elliptic-curve key on {public.curve.name}"
    elif isinstance(public, ed25519.Ed25519PublicKey):
        fits, kind = algorithm == "ed25519", "an Ed25519 key"
    elif isinstance(public, rsa.RSAPublicKey):
        fits = algorithm == "ps256" and _LEAST_RSA_BITS <= public.key_size <= _MOST_RSA_BITS
        kind = f"an RSA key of {public.key_size} bits"
    else:
        fits, kind = False, "a key of another kind"
    if not fits:
        raise SignerError(f"{kind} does not sign with {algorithm}")


def _private(pem: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as malformed:
        raise SignerError("the private key cannot be read: it is not unencrypted PEM") from malformed


def _raw(signature: bytes, algorithm: Algorithm) -> bytes:
    """An ECDSA signature as r and s side by side, as COSE wants it; others as they are."""
    if algorithm not in _CURVES:
        return signature
    width = _CURVES[algorithm][1]
    if len(signature) == 2 * width:
        return signature
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")
    except (ValueError, OverflowError) as other:
        raise SignerError(f"{len(signature)} bytes came back that are no {algorithm} signature") from other
