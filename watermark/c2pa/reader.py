"""Reading Content Credentials: what a file carries, judged by trust lists. It holds no key and fetches nothing.

The SDK is asked in `watermark.c2pa.sdk`, in this process or in another. What it finds is judged here, code by code; see
`watermark.c2pa.reading`.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Self

from c2pa import C2paError

from watermark.c2pa.building import Added
from watermark.c2pa.credential import Credential, Remark
from watermark.c2pa.ingredients import Labels, StandIn
from watermark.c2pa.manifest import DISCLOSURE_LABEL, ENERGY_LABEL
from watermark.c2pa.presence import Presence, sniff
from watermark.c2pa.reading import credential
from watermark.c2pa.sdk import MAX_THUMBNAILS_BYTES, Sdk, Stopped, contexts, in_process
from watermark.c2pa.status import Integrity
from watermark.c2pa.trust import CLAIM_EKUS, TrustList, TrustListError

_DISCLOSURES = (DISCLOSURE_LABEL, ENERGY_LABEL, "c2pa.ai-disclosure")
_CONTAINER, _MANIFEST, _NOT_CHECKED = "container.unreadable", "manifest.unreadable", "general.error"
_MAX_WORDS = 200
_MAX_MANIFEST_MIB = 16
_STORE_BYTES = 1 << 20  # of a manifest store, beside what it takes over


class CredentialReader:
    """Reads the credential of any file. Thread-safe; one per process: it does not survive a fork."""

    def __init__(self, trust: Sequence[TrustList], sdk: Sdk = in_process) -> None:
        """`sdk`: where the SDK is asked; by default in this process, for files of our own.

        Raises TrustListError: a list holds no certificates; the SDK would take it in silence.
        """
        self._trust, self._sdk = tuple(trust), sdk
        self._lists = {trusted.uri: trusted.name for trusted in trust if trusted.kind == "manifest"}
        self._frozen = frozenset(trusted.name for trusted in trust if trusted.frozen)
        try:
            for trusted in trust:
                trusted.certificates()
            self._settings = json.dumps(configuration(trust)).encode()
            self.context, _ = contexts(self._settings)
        except (C2paError, ValueError) as wrong:
            raise TrustListError(f"the trust lists cannot be used: {wrong}") from wrong

    def asking(self, sdk: Sdk) -> Self:
        """The same trust lists, with the SDK asked elsewhere."""
        return type(self)(self._trust, sdk)

    def read(self, data: bytes, mime: str, manifest: bytes | None = None) -> Credential:
        """Read the credential embedded in `data`, or validate a detached `manifest` against it. Content never raises.

        The SDK is asked only if the file carries credential bytes: what it says of a damaged container is no statement
        about a credential. `mime` counts where the bytes do not say what they are. What cannot be read is `unreadable`,
        as is what the SDK did not finish reading.
        """
        try:
            told, _ = self._sdk("read", self._parts(data, manifest), mime=mime)
            return self._judged(told, manifest)
        except Stopped as why:
            return _unreadable(_NOT_CHECKED, str(why), None)
        except (AttributeError, KeyError, TypeError, ValueError):  # not what the SDK says: a file has taken it over
            return _unreadable(_NOT_CHECKED, "it could not be read safely", None)

    def presence(self, data: bytes) -> Presence:
        """What a file carries, without its `store`. Of a file that was not finished: that it may carry something."""
        try:
            return _presence(self._sdk("presence", [data])[0])
        except (Stopped, KeyError, TypeError):
            return Presence(sniff(data), embedded=True, complete=False)

    def labels(self, data: bytes, mime: str) -> Labels | None:
        """The labels of the assertions in each manifest; None if there is no credential or it cannot be read."""
        try:
            told = self._sdk("labels", self._parts(data, None), mime=mime)[0]["labels"]
            return {str(name): tuple(map(str, found)) for name, found in told.items()} if told is not None else None
        except (Stopped, AttributeError, KeyError, TypeError):
            return None

    def embed(
        self,
        stand_in: StandIn,
        definition: Mapping[str, Any],
        data: bytes,
        mime: str,
        added: Sequence[Added],
        thumbnail: bytes | None,
    ) -> tuple[bytes, bytes] | None:
        """As `building.embedded`; None if the images cannot be taken over."""
        files = [one.data for one in added] + ([thumbnail] if thumbnail else [])
        parts = [data, self._settings, stand_in.chain, stand_in.key, json.dumps(definition).encode(), *files]
        room = 2 * (len(data) + sum(map(len, files)) + _STORE_BYTES)
        ingredients = [(one.description, one.mime) for one in added]
        try:
            told, out = self._sdk("embed", parts, output=room, mime=mime, ingredients=ingredients)
            size = int(told["file"])
        except (Stopped, KeyError, TypeError, ValueError):
            return None
        return out[:size], out[size:]

    def crjson(self, data: bytes, mime: str, manifest: bytes | None = None) -> str | None:
        """The credential as crJSON, the C2PA's own JSON for reports; None if there is none or it cannot be read."""
        try:
            told, _ = self._sdk("crjson", self._parts(data, manifest), mime=mime)
        except Stopped:
            return None
        found = told.get("crjson")
        return found if isinstance(found, str) else None

    def thumbnails(self, data: bytes, mime: str, manifest: bytes | None = None) -> dict[str, bytes]:
        """The thumbnails in the manifest store by their places in it: strangers' bytes, to be decoded with care.

        At most 32, of at most 1 MiB each, and 16 MiB in all.
        """
        try:
            told, out = self._sdk("thumbnails", self._parts(data, manifest), output=MAX_THUMBNAILS_BYTES, mime=mime)
            found = [(str(place), int(size)) for place, size in told["thumbnails"]]
        except (Stopped, KeyError, TypeError, ValueError):
            return {}
        ends = accumulate(size for _, size in found)
        return {place: out[end - size : end] for (place, size), end in zip(found, ends, strict=True)}

    def _parts(self, data: bytes, manifest: bytes | None) -> list[bytes]:
        return [data, self._settings] if manifest is None else [data, self._settings, manifest]

    def _judged(self, told: Mapping[str, Any], manifest: bytes | None) -> Credential:
        found = _presence(told["presence"])
        if "found" in told:
            return self._credential(told["found"], found)
        if "refused" in told:
            return self._refused(str(told["refused"]), told.get("claimed"), found, manifest)
        return Credential(Integrity.ABSENT, remote_url=found.remote_url)

    def _refused(
        self, words: str, findings: Mapping[str, Any] | None, found: Presence, manifest: bytes | None
    ) -> Credential:
        """What can be said of a credential that the SDK cannot read in its file: perhaps what it claims."""
        kind, _, words = words.partition(":")
        if kind == "Remote":
            return Credential(Integrity.ABSENT, remote_url=found.remote_url or _url(words))
        if manifest is None and not found.embedded:
            return Credential(Integrity.ABSENT, remote_url=found.remote_url)
        broken = _CONTAINER if "asset" in words or not found.complete else _MANIFEST
        bare = _unreadable(broken, words.strip() or kind, found.remote_url)
        if findings is None:
            return bare
        claimed = self._credential(findings, replace(found, complete=False))
        integrity = Integrity.ALTERED if claimed.integrity is Integrity.ALTERED else Integrity.UNREADABLE
        return replace(claimed, integrity=integrity, remarks=(*bare.remarks, *claimed.remarks), bound=False)

    def _credential(self, findings: Mapping[str, Any], found: Presence) -> Credential:
        read = credential(
            findings["store"],
            self._lists,
            complete=found.complete,
            remote_url=found.remote_url,
            expires=lambda: _time(findings["expires"]),
            disclosures=_DISCLOSURES,
        )
        return replace(read, trust_list_frozen=True) if read.trust_list in self._frozen else read


def _unreadable(code: str, why: str, remote_url: str | None) -> Credential:
    remark = Remark(code, True, why[:_MAX_WORDS])
    return Credential(Integrity.UNREADABLE, failures=(code,), remarks=(remark,), remote_url=remote_url, bound=False)


def _presence(told: Mapping[str, Any]) -> Presence:
    """From what was told. Raises KeyError, TypeError if it is something else."""
    mime, remote_url = told["mime"], told["remote_url"]
    if not all(isinstance(each, str | None) for each in (mime, remote_url)):
        raise TypeError("a name is no text")
    embedded, complete, opaque = (bool(told[name]) for name in ("embedded", "complete", "opaque"))
    return Presence(mime, embedded, None, remote_url, complete, opaque)


def _url(words: str) -> str | None:
    """The URL in the SDK's refusal to fetch it."""
    return next((word for word in words.split() if "://" in word), None)


def _time(told: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None


def configuration(trust: Sequence[TrustList]) -> dict[str, Any]:
    """The SDK's settings: these lists, no network."""
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
            "decode_identity_assertions": True,
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
