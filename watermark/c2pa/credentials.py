"""Content Credentials: sign files with a C2PA manifest, and read the manifest of any file without trusting it.

The SDK is locked down: no remote manifests, no OCSP, no redirects, no thumbnails. The state is one of trusted,
valid_untrusted, invalid, absent, and remote_only (the manifest is on another host and was not fetched).
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from c2pa import C2paError, Context, Reader

from watermark.c2pa.cose import Algorithm
from watermark.c2pa.manifest import DISCLOSURE_LABEL, ENERGY_LABEL, Statement
from watermark.c2pa.profile import CLAIM_PURPOSES
from watermark.c2pa.signers import KeySigner, Signer, SignerError
from watermark.c2pa.signing import CredentialError, ManifestSigner, SignedFile
from watermark.c2pa.timestamps import Stamper

__all__ = ["Credential", "CredentialError", "Credentials", "SignedFile", "TrustList"]

State = Literal["trusted", "valid_untrusted", "invalid", "absent", "remote_only"]

# If unset, the SDK's list is empty. It must be separated by newlines: commas fail silently.
_CLAIM_EKUS = "\n".join(purpose.dotted_string for purpose in CLAIM_PURPOSES)
_STATES: dict[str | None, State] = {"Trusted": "trusted", "Valid": "valid_untrusted"}
_UNTRUSTED = "signingCredential.untrusted"
_EXPIRED = "signingCredential.expired"
_BINDING_MISMATCHES = {"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch"}
_MAX_MANIFEST_MIB = 16
_DISCLOSURES = (DISCLOSURE_LABEL, ENERGY_LABEL, "c2pa.ai-disclosure")


@dataclass(frozen=True, slots=True)
class TrustList:
    """CA certificates (PEM) under the `name` that reports show for signatures that chain to one of them."""

    name: str
    pem: bytes

    @property
    def uri(self) -> str:
        return f"urn:countermark:trust:{self.name}"


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of the manifest's actions assertion."""

    action: str
    digital_source_type: str | None = None
    agent: str | None = None
    when: str | None = None


@dataclass(frozen=True, slots=True)
class SoftBinding:
    """A reference from the manifest to a mark in the pixels: algorithm and value, as written."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file this one was made from. A broken ingredient does not change the state of the outer manifest, so `failures`
    lists the SDK's errors about the ingredients' own manifests (the SDK does not say for which one)."""

    title: str | None
    relationship: str | None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """The contents of a file's manifest and its validation state. Everything but `state` is empty if absent."""

    state: State
    manifest_id: str | None = None
    title: str | None = None
    trust_list: str | None = None
    signer: str | None = None
    issuer: str | None = None
    generator: str | None = None
    signed_at: str | None = None
    actions: tuple[Action, ...] = ()
    soft_bindings: tuple[SoftBinding, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    failures: tuple[str, ...] = ()
    disclosures: dict[str, Any] = field(default_factory=dict)

    @property
    def only_bytes_differ(self) -> bool:
        """Whether the manifest itself is intact and signed (by anybody), and only the file's bytes do not match it."""
        return not set(self.failures) - _BINDING_MISMATCHES - {_UNTRUSTED, _EXPIRED}


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
        self._lists = {trusted.uri: trusted.name for trusted in trust}
        try:
            self._context = Context.from_dict(_configuration(trust))
        except C2paError as wrong:
            raise CredentialError(f"the trust lists cannot be used: {wrong}") from wrong
        self.signer = ManifestSigner(signer, self._context, stamper, require_timestamp=require_timestamp)

    def sign(self, data: bytes, mime: str, statement: Statement) -> SignedFile:
        """As `ManifestSigner.sign`. Raises CredentialError."""
        return self.signer.sign(data, mime, statement)

    def read(self, data: bytes, mime: str, manifest: bytes | None = None) -> Credential:
        """Read the credential embedded in `data`, or validate a detached `manifest` against it. Content never raises.

        A manifest that cannot be parsed is `invalid`, with the SDK's error as its failure.
        """
        try:
            if manifest is None:
                reader = Reader.try_create(mime, io.BytesIO(data), None, context=self._context)
            else:
                reader = Reader(mime, io.BytesIO(data), manifest, context=self._context)
        except C2paError as unreadable:
            remote = str(unreadable).startswith("Remote:")
            return Credential("remote_only" if remote else "invalid", failures=(_error_code(unreadable),))
        if reader is None:
            return Credential("absent")
        with reader:
            try:
                return self._credential(reader)
            except (AttributeError, KeyError, TypeError, ValueError):  # assertions of unknown shape
                return Credential("invalid", failures=("assertion.malformed",))

    def _credential(self, reader: Reader) -> Credential:
        store: dict[str, Any] = json.loads(reader.json())
        results: dict[str, Any] = reader.get_validation_results() or {}
        active = reader.get_active_manifest() or {}
        assertions: list[dict[str, Any]] = active.get("assertions") or []
        signature: dict[str, Any] = active.get("signature_info") or {}
        state, trust_list = self._state(reader.get_validation_state(), results)
        succeeded = [entry["code"] for entry in (results.get("activeManifest") or {}).get("success") or []]
        return Credential(
            state=state,
            manifest_id=store.get("active_manifest"),
            title=active.get("title"),
            trust_list=trust_list,
            signer=signature.get("common_name"),
            issuer=signature.get("issuer"),
            generator=_generator(active),
            # The SDK also sets `time` for untrusted time-stamp authorities.
            signed_at=signature.get("time") if "timeStamp.trusted" in succeeded else None,
            actions=tuple(_actions(assertions)),
            soft_bindings=tuple(_soft_bindings(assertions)),
            ingredients=tuple(_ingredients(active, results)),
            failures=tuple(dict.fromkeys(_failures(results))),
            disclosures={a["label"]: a.get("data") for a in assertions if a.get("label") in _DISCLOSURES},
        )

    def _state(self, validation: str | None, results: dict[str, Any]) -> tuple[State, str | None]:
        """Trusted only counts through one of our claim lists: the SDK also accepts time-stamp lists."""
        state = _STATES.get(validation, "invalid")
        name = self._lists.get(results.get("trustListUri") or "")
        if state == "trusted" and name is None:
            return "valid_untrusted", None
        return state, name if state == "trusted" else None


def _configuration(trust: Sequence[TrustList]) -> dict[str, Any]:
    return {
        "version": 1,
        "verify": {
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
            "verify_after_sign": False,  # the gateway reads every file back before releasing it
            "verify_trust": True,
        },
        "core": {
            "allowed_network_hosts": [],
            "allow_redirects": False,
            "max_decompressed_manifest_size_in_mb": _MAX_MANIFEST_MIB,
        },
        "builder": {"thumbnail": {"enabled": False}},
        "trust": {
            "trust_config": _CLAIM_EKUS,
            "anchors": [
                {
                    "trust_kind": "manifest",
                    "trust_uri": trusted.uri,
                    "trust_anchors": trusted.pem.decode(),
                    "trust_config": _CLAIM_EKUS,
                }
                for trusted in trust
            ],
        },
    }


def _error_code(error: C2paError) -> str:
    return str(error).split(":")[0][:80]


def _generator(active: dict[str, Any]) -> str | None:
    info = (active.get("claim_generator_info") or [{}])[0]
    return " ".join(filter(None, (info.get("name"), info.get("version")))) or None


def _actions(assertions: Sequence[dict[str, Any]]) -> Iterator[Action]:
    for assertion in assertions:
        if not assertion.get("label", "").startswith("c2pa.actions"):
            continue
        for entry in (assertion.get("data") or {}).get("actions") or []:
            agent = entry.get("softwareAgent")
            yield Action(
                action=str(entry.get("action")),
                digital_source_type=_text(entry.get("digitalSourceType")),
                agent=_text(agent.get("name") if isinstance(agent, dict) else agent),
                when=_text(entry.get("when")),
            )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _soft_bindings(assertions: Sequence[dict[str, Any]]) -> Iterator[SoftBinding]:
    for assertion in assertions:
        if assertion.get("label", "").startswith("c2pa.soft-binding"):
            data = assertion.get("data") or {}
            for block in data.get("blocks") or []:
                yield SoftBinding(str(data.get("alg")), str(block.get("value")))


def _ingredients(active: dict[str, Any], results: dict[str, Any]) -> Iterator[Ingredient]:
    # An ingredient signed by an unknown signer is not broken.
    failures = tuple(dict.fromkeys(c for c in _ingredient_failures(results) if c != _UNTRUSTED))
    for ingredient in active.get("ingredients") or []:
        yield Ingredient(ingredient.get("title"), ingredient.get("relationship"), failures)


def _failures(results: dict[str, Any]) -> Iterator[str]:
    for entry in (results.get("activeManifest") or {}).get("failure") or []:
        yield entry["code"]


def _ingredient_failures(results: dict[str, Any]) -> Iterator[str]:
    for delta in results.get("ingredientDeltas") or []:
        for entry in (delta.get("validationDeltas") or {}).get("failure") or []:
            yield entry["code"]
