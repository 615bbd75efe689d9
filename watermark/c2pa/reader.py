"""Reading Content Credentials: what a file carries, judged by trust lists. It holds no key and fetches nothing.

The SDK is locked down: no remote manifests, no OCSP, no redirects. What it finds is judged code by code, see
`watermark.c2pa.reading`.
"""

import contextlib
import datetime as dt
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from c2pa import C2paError, Context, Reader

from watermark.c2pa.credential import Credential, Remark
from watermark.c2pa.manifest import DISCLOSURE_LABEL, ENERGY_LABEL
from watermark.c2pa.presence import Presence, look
from watermark.c2pa.reading import credential
from watermark.c2pa.status import Integrity
from watermark.c2pa.trust import CLAIM_EKUS, TrustList, TrustListError

_MAX_MANIFEST_MIB = 16
_DISCLOSURES = (DISCLOSURE_LABEL, ENERGY_LABEL, "c2pa.ai-disclosure")
_DETACHED = "application/c2pa"
_MAX_WORDS = 200
_MAX_THUMBNAILS = 32
_MAX_THUMBNAIL_BYTES = 1 << 20


class CredentialReader:
    """Reads the credential of any file. Thread-safe; one per process: it does not survive a fork."""

    def __init__(self, trust: Sequence[TrustList]) -> None:
        """Raises TrustListError: a list holds no certificates; the SDK would take it in silence."""
        self._lists = {trusted.uri: trusted.name for trusted in trust if trusted.kind == "manifest"}
        self._frozen = frozenset(trusted.name for trusted in trust if trusted.frozen)
        try:
            for trusted in trust:
                trusted.certificates()
            self.context = Context.from_dict(configuration(trust))
            self._without_identities = Context.from_dict(configuration(trust, identities=False))
        except (C2paError, ValueError) as wrong:
            raise TrustListError(f"the trust lists cannot be used: {wrong}") from wrong

    def read(self, data: bytes, mime: str, manifest: bytes | None = None) -> Credential:
        """Read the credential embedded in `data`, or validate a detached `manifest` against it. Content never raises.

        The SDK is asked only if the file carries credential bytes: what it says of a damaged container is no statement
        about a credential. `mime` counts where the bytes do not say what they are. What cannot be read is `unreadable`.
        """
        found = look(data)
        if manifest is None and not (found.embedded or found.opaque):
            return Credential(Integrity.ABSENT, remote_url=found.remote_url)
        try:
            reader = self._open(data, found.mime or mime, manifest)
        except C2paError as refused:
            return self._unreadable(found, refused, manifest)
        if reader is None:
            return Credential(Integrity.ABSENT, remote_url=found.remote_url)
        with reader:
            return self._credential(reader, found)

    def crjson(self, data: bytes, mime: str, manifest: bytes | None = None) -> str | None:
        """The credential as crJSON, the C2PA's own JSON for reports; None if there is none or it cannot be read."""
        with self._reader(data, mime, manifest) as reader:
            return str(reader.crjson()) if reader else None

    def thumbnails(self, data: bytes, mime: str, manifest: bytes | None = None) -> dict[str, bytes]:
        """The thumbnails in the manifest store by their places in it: strangers' bytes, to be decoded with care.

        At most 32, of at most 1 MiB each.
        """
        with self._reader(data, mime, manifest) as reader:
            if reader is None:
                return {}
            read = self._credential(reader, look(data))
            manifests = (read.active, *read.manifests)
            wanted = [each.thumbnail for m in manifests for each in m.ingredients] + [m.thumbnail for m in manifests]
            places = list(dict.fromkeys(place for place in wanted if place))[:_MAX_THUMBNAILS]
            return {place: found for place in places if (found := _resource(reader, place))}

    @contextlib.contextmanager
    def _reader(self, data: bytes, mime: str, manifest: bytes | None) -> Iterator[Reader | None]:
        """A reader of the credential; None if there is none or it cannot be read."""
        found = look(data)
        reader = None
        if manifest is not None or found.embedded or found.opaque:
            with contextlib.suppress(C2paError):
                reader = self._open(data, found.mime or mime, manifest)
        try:
            yield reader
        finally:
            if reader is not None:
                reader.close()

    def _open(self, data: bytes, mime: str, manifest: bytes | None) -> Reader | None:
        """A reader; None if the SDK finds no credential. Raises C2paError.

        Identity assertions that cannot be checked without a network fail the whole read, so they are left out then.
        """
        try:
            return Reader.try_create(mime, io.BytesIO(data), manifest, context=self.context)
        except C2paError as refused:
            if str(refused).startswith("Remote:"):
                raise
            return Reader.try_create(mime, io.BytesIO(data), manifest, context=self._without_identities)

    def _unreadable(self, found: Presence, refused: C2paError, manifest: bytes | None) -> Credential:
        """What can be said of a credential that the SDK cannot read in its file: perhaps what it claims."""
        kind, _, words = str(refused).partition(":")
        if kind == "Remote":
            return Credential(Integrity.ABSENT, remote_url=found.remote_url or _url(words))
        if manifest is None and not found.embedded:
            return Credential(Integrity.ABSENT, remote_url=found.remote_url)
        broken = "container.unreadable" if "asset" in words or not found.complete else "manifest.unreadable"
        remark = Remark(broken, True, f"{words.strip() or kind}"[:_MAX_WORDS])
        bare = Credential(
            Integrity.UNREADABLE, failures=(broken,), remarks=(remark,), remote_url=found.remote_url, bound=False
        )
        store = manifest or found.store
        if store is None:
            return bare
        try:
            reader = self._open(b"", _DETACHED, store) if manifest else self._open(b"", found.mime or _DETACHED, store)
        except C2paError:
            return bare
        if reader is None:
            return bare
        with reader:
            claimed = self._credential(reader, replace(found, complete=False))
        integrity = Integrity.ALTERED if claimed.integrity is Integrity.ALTERED else Integrity.UNREADABLE
        return replace(claimed, integrity=integrity, remarks=(remark, *claimed.remarks), bound=False)

    def _credential(self, reader: Reader, found: Presence) -> Credential:
        read = credential(
            json.loads(reader.json()),
            self._lists,
            complete=found.complete,
            remote_url=found.remote_url,
            expires=lambda: _expires(reader.crjson()),
            disclosures=_DISCLOSURES,
        )
        return replace(read, trust_list_frozen=True) if read.trust_list in self._frozen else read


def _resource(reader: Reader, place: str) -> bytes | None:
    out = io.BytesIO()
    try:
        reader.resource_to_stream(place, out)
    except C2paError:
        return None
    return out.getvalue() if out.tell() <= _MAX_THUMBNAIL_BYTES else None


def _url(words: str) -> str | None:
    """The URL in the SDK's refusal to fetch it."""
    return next((word for word in words.split() if "://" in word), None)


def _expires(crjson: str) -> dt.datetime | None:
    """When the active manifest's certificate ends; crJSON lists that manifest first."""
    try:
        validity = json.loads(crjson)["manifests"][0]["signature"]["certificateInfo"]["validity"]
        return dt.datetime.fromisoformat(validity["notAfter"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def configuration(trust: Sequence[TrustList], *, identities: bool = True) -> dict[str, Any]:
    """The SDK's settings: these lists, no network. `identities`: check CAWG assertions, too."""
    ekus = "\n".join(dict.fromkeys((*CLAIM_EKUS, *(eku for trusted in trust for eku in trusted.ekus))))
    return {
        "version": 1,
        "verify": {
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
            "verify_after_sign": False,  # the gateway reads every file back before releasing it
            "verify_trust": True,
            "verify_timestamp_trust": True,
        },
        "core": {
            "allowed_network_hosts": [],
            "allow_redirects": False,
            "max_decompressed_manifest_size_in_mb": _MAX_MANIFEST_MIB,
            "decode_identity_assertions": identities,
        },
        "builder": {"thumbnail": {"enabled": False}},
        "trust": {"trust_config": ekus, "anchors": [_anchor(trusted) for trusted in trust]},
    }


def _anchor(trusted: TrustList) -> dict[str, str]:
    anchor = {
        "trust_kind": trusted.kind,
        "trust_uri": trusted.uri,
        "trust_anchors": trusted.pem.decode(),
        # Separated by newlines: commas fail silently.
        "trust_config": "\n".join(trusted.ekus),
    }
    return {**anchor, "allowed_list": trusted.allowed_leaves.decode()} if trusted.allowed_leaves else anchor
