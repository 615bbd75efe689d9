"""Content Credentials: sign files with a C2PA manifest, and read the manifest of any file without trusting it."""

import copy
from collections.abc import Mapping, Sequence
from typing import Self

from watermark.c2pa.cose import Algorithm
from watermark.c2pa.credential import Action, Credential, Ingredient, SoftBinding, State
from watermark.c2pa.manifest import Statement
from watermark.c2pa.reader import CredentialReader
from watermark.c2pa.sdk import Sdk
from watermark.c2pa.signers import KeySigner, Signer, SignerError
from watermark.c2pa.signing import CredentialError, ManifestSigner, SignedFile
from watermark.c2pa.timestamps import Stamper
from watermark.c2pa.trust import TrustList, TrustListError

__all__ = [
    "Action",
    "Credential",
    "CredentialError",
    "Credentials",
    "Ingredient",
    "SignedFile",
    "SoftBinding",
    "State",
    "TrustList",
]


class Credentials:
    """Signs with one key and validates against named trust lists. One per process: it does not survive a fork."""

    def __init__(self, chain: bytes, key: bytes, algorithm: Algorithm, trust: Sequence[TrustList]) -> None:
        """`chain`: PEM, leaf first; `key`: the leaf's PEM.

        Raises:
            CredentialError: the key, the certificates or the trust lists are not usable.
        """
        try:
            signer = KeySigner(chain, key, algorithm)
        except SignerError as wrong:
            raise CredentialError(f"the signing certificates cannot be used: {wrong}") from wrong
        self._open(signer, trust, None, require_timestamp=False)

    @classmethod
    def of(
        cls, signer: Signer, trust: Sequence[TrustList], stamper: Stamper | None = None, *, require_timestamp: bool
    ) -> Self:
        """With a key wherever it is held. `stamper`, `require_timestamp`: see ManifestSigner. Raises as `__init__`."""
        credentials = cls.__new__(cls)
        credentials._open(signer, trust, stamper, require_timestamp=require_timestamp)
        return credentials

    def _open(
        self, signer: Signer, trust: Sequence[TrustList], stamper: Stamper | None, *, require_timestamp: bool
    ) -> None:
        try:
            self.reader = CredentialReader(trust)
        except TrustListError as wrong:
            raise CredentialError(str(wrong)) from wrong
        self._outside = self.reader
        self.signer = ManifestSigner(
            signer, self.reader.context, stamper, require_timestamp=require_timestamp, inputs=self.reader
        )

    def screening(self, sdk: Sdk) -> Self:
        """The same, with the credentials of input images read and taken over by `sdk`, and read back by it."""
        other = copy.copy(self)
        other._outside = self.reader.asking(sdk)
        other.signer = self.signer.taking_over(other._outside)
        return other

    def read_back(self, data: bytes, mime: str, *, of_input: bool) -> Credential:
        """As `read`, of a file that was just signed. `of_input`: it may hold the manifests of input images."""
        return (self._outside if of_input else self.reader).read(data, mime)

    def sign(
        self,
        data: bytes,
        mime: str,
        statement: Statement,
        inputs: Mapping[str, bytes] | None = None,
        thumbnail: bytes | None = None,
    ) -> SignedFile:
        """As `ManifestSigner.sign`. Raises CredentialError."""
        return self.signer.sign(data, mime, statement, inputs=inputs, thumbnail=thumbnail)

    def read(self, data: bytes, mime: str, manifest: bytes | None = None) -> Credential:
        """As `CredentialReader.read`: content never raises."""
        return self.reader.read(data, mime, manifest)

    def crjson(self, data: bytes, mime: str, manifest: bytes | None = None) -> str | None:
        """As `CredentialReader.crjson`."""
        return self.reader.crjson(data, mime, manifest)

    def thumbnails(self, data: bytes, mime: str, manifest: bytes | None = None) -> dict[str, bytes]:
        """As `CredentialReader.thumbnails`."""
        return self.reader.thumbnails(data, mime, manifest)
