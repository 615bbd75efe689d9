"""Signs manifests: the SDK builds and embeds the store, and this module finishes it.

The SDK's JSON builder writes soft bindings as text, where the specification's schema wants bytes, and its own
time-stamping fails the whole signature when the authority is down. So the SDK signs with a throw-away key and reserves
the room; here the assertion gets its legal form, its hash goes into the claim, and the real key signs the claim, once.
All replacements are of equal length. See docs/adr/0032-signing.md.
"""

import copy
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

import cbor2
from c2pa import C2paError, Context

from watermark.c2pa import cose, ingredients, jumbf
from watermark.c2pa.building import embedded, sdk_signer
from watermark.c2pa.embedding import replace_store
from watermark.c2pa.ingredients import InputCredentials
from watermark.c2pa.manifest import SOFT_BINDING_LABEL, Statement, build, soft_binding
from watermark.c2pa.pki import placeholder
from watermark.c2pa.profile import CertificateError, check_validity
from watermark.c2pa.signers import Signer, SignerError, signature_size
from watermark.c2pa.timestamps import Stamper, TimestampError

Timestamp = Literal["none", "stamped", "untimestamped"]
"""No authority is configured; the signature has a time-stamp; the authority gave none."""

_TOKEN_BYTES = 8192  # authorities' tokens with their certificates take 3 to 7 kB


class CredentialError(Exception):
    """A file could not be signed; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class SignedFile:
    """A file with an embedded manifest, the bytes of the manifest store, and whether the signature has a time-stamp.

    `without_timestamp`: why the authority gave none.
    """

    data: bytes
    manifest: bytes
    timestamp: Timestamp = "none"
    without_timestamp: str | None = None


class ManifestSigner:
    """Signs with one key. Thread-safe; one per process: it does not survive a fork."""

    def __init__(
        self,
        signer: Signer,
        context: Context,
        stamper: Stamper | None = None,
        *,
        require_timestamp: bool = False,
        inputs: InputCredentials | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """`context`: the SDK's settings. `stamper`: asked for a time-stamp of each signature.

        `require_timestamp`: refuse to sign without one. `inputs`: reads and takes over the credentials of input
        images; by default none is taken over.

        Raises:
            CredentialError: the SDK does not start.
        """
        self._signer, self._context, self._stamper, self._now = signer, context, stamper, now
        self._require_timestamp, self._inputs = require_timestamp, inputs
        self._protected = cose.protected_header(signer.algorithm, signer.chain)
        size = signature_size(signer.chain, signer.algorithm)
        self._stand_in = placeholder(cose.needed(self._protected, size, _TOKEN_BYTES if stamper else 0))
        try:
            self._sdk_signer = sdk_signer(self._stand_in.chain, self._stand_in.key)
        except C2paError as wrong:
            raise CredentialError(f"the C2PA SDK does not sign: {wrong}") from wrong

    @property
    def signer(self) -> Signer:
        return self._signer

    def taking_over(self, inputs: InputCredentials) -> Self:
        """The same signer, with the credentials of input images read and taken over by `inputs`."""
        other = copy.copy(self)
        other._inputs = inputs
        return other

    def sign(
        self,
        data: bytes,
        mime: str,
        statement: Statement,
        *,
        inputs: Mapping[str, bytes] | None = None,
        thumbnail: bytes | None = None,
        stamped: bool = True,
    ) -> SignedFile:
        """Embed a signed manifest for `statement` into a PNG, JPEG, WebP, AVIF or TIFF file; the pixels do not change.

        `inputs`: the files of the statement's sources, by SHA-256 (hex), to keep their own credentials.
        `thumbnail`: a JPEG of the image, for programs that show the credential. `stamped`: ask the authority for a
        time-stamp, if there is one.

        Raises:
            CredentialError: the certificate has expired, the key's holder or the SDK refused, or there is no
                time-stamp where one is required.
        """
        try:
            check_validity(self._signer.chain, self._now())
            unfinished, store = self._embedded(data, mime, statement, inputs or {}, thumbnail)
            finished, timestamp, reason = self._finished(store, statement, self._stamper if stamped else None)
            return SignedFile(replace_store(unfinished, mime, store, finished), finished, timestamp, reason)
        except (C2paError, CertificateError, SignerError, TimestampError, ValueError) as refused:
            raise CredentialError(f"the manifest could not be signed: {refused}") from refused

    def _embedded(
        self, data: bytes, mime: str, statement: Statement, inputs: Mapping[str, bytes], thumbnail: bytes | None
    ) -> tuple[bytes, bytes]:
        """The file with a manifest store that nobody can verify yet, and that store."""
        definition = partial(build, statement, mime)
        if self._inputs and (credentials := ingredients.kept(statement, inputs, self._inputs.labels)):
            labels = [one.label for one in credentials]
            redacted = list(dict.fromkeys(uri for one in credentials for uri in one.redactions))
            added = ingredients.added(credentials)
            made = self._inputs.embed(self._stand_in, definition(labels, redacted), data, mime, added, thumbnail)
            if made and ingredients.is_clean(made[1], beside=len(thumbnail or b"")):
                return made
        return embedded(self._context, self._sdk_signer, definition([], []), data, mime, thumbnail=thumbnail)

    def _finished(
        self, unfinished: bytes, statement: Statement, stamper: Stamper | None
    ) -> tuple[bytes, Timestamp, str | None]:
        store = bytearray(unfinished)
        manifest = jumbf.active_manifest(unfinished)
        assertions = jumbf.child(unfinished, manifest, "c2pa.assertions")
        claim = jumbf.content(unfinished, jumbf.child(unfinished, manifest, "c2pa.claim.v2"))
        signature = jumbf.content(unfinished, jumbf.child(unfinished, manifest, "c2pa.signature"))
        _set_assertion(store, jumbf.child(unfinished, assertions, SOFT_BINDING_LABEL), claim, soft_binding(statement))
        signed = self._signer.sign(cose.to_be_signed(self._protected, bytes(store[claim.body : claim.end])))
        token, timestamp, reason = self._stamped(signed, stamper)
        box = cose.signature_box(self._protected, signed, token, signature.end - signature.body)
        store[signature.body : signature.end] = box
        return bytes(store), timestamp, reason

    def _stamped(self, signature: bytes, stamper: Stamper | None) -> tuple[bytes | None, Timestamp, str | None]:
        """A token of the authority. One that is down delays an image, and stops it only where the operator says so."""
        if stamper is None:
            return None, "none", None
        try:
            token = stamper.stamp(cose.to_be_stamped(self._protected, signature))
            if len(token) > _TOKEN_BYTES:
                raise TimestampError(f"the time-stamp has {len(token)} bytes, more than the {_TOKEN_BYTES} reserved")
        except TimestampError as missing:
            if self._require_timestamp:
                raise
            return None, "untimestamped", str(missing)
        return token, "stamped", None


def _set_assertion(store: bytearray, assertion: jumbf.Box, claim: jumbf.Box, data: object) -> None:
    """Write an assertion's content, and its new hash into the claim (section 8.4.2: without the box's own header)."""
    inner = jumbf.content(store, assertion)
    encoded = cbor2.dumps(data)
    if len(encoded) != inner.end - inner.body:
        raise ValueError(f"{assertion.label} has another length than the SDK wrote")
    old = hashlib.sha256(store[assertion.body : assertion.end]).digest()
    store[inner.body : inner.end] = encoded
    new = hashlib.sha256(store[assertion.body : assertion.end]).digest()
    if store.count(old, claim.body, claim.end) != 1:
        raise ValueError(f"the claim does not name {assertion.label} once")
    at = store.index(old, claim.body, claim.end)
    store[at : at + len(new)] = new
