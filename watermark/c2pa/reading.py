"""From the SDK's JSON to a `Credential`. Pure: no SDK, no files.

The SDK sums up in one word, which says "invalid" of an expired certificate and "trusted" of a file whose parent was
altered. Only its status codes are used here, each for what it is about. Which results belong to an ingredient: what its
editor recorded when it was opened, and what validating it now adds (`ingredientDeltas`, by `ingredientAssertionURI`).
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from watermark.c2pa.credential import (
    Action,
    Credential,
    Identity,
    Ingredient,
    Manifest,
    Redaction,
    Remark,
    SoftBinding,
)
from watermark.c2pa.status import (
    BINDING_MATCHES,
    BINDINGS,
    INCOMPLETE,
    Axis,
    Integrity,
    Revocation,
    SignerStatus,
    status,
    worst,
)

T = TypeVar("T")

_TRUSTED, _UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
_FOUND_IN = re.compile(r"found in \[(.*?)\]")
_OUT_OF_DATA = "exclusion range exceed"  # of a file that is shorter than what was hashed
_SUCCESS = (
    ".match",
    ".validated",
    ".trusted",
    ".insideValidity",
    ".accessible",
    ".notRevoked",
    ".wellFormed",
    ".valid",
)
_MALFORMED = "assertion.malformed"
_MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Results:
    """Codes of one manifest or ingredient. Failures keep their explanations and the URL that they are about."""

    success: tuple[dict[str, Any], ...] = ()
    informational: tuple[dict[str, Any], ...] = ()
    failure: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, found: object) -> "Results":
        """From a `validation_results` object; entries without a code are dropped."""
        lists = found if isinstance(found, dict) else {}
        return cls(*(tuple(_entries(lists.get(kind))) for kind in ("success", "informational", "failure")))

    def overlaid(self, later: "Results") -> "Results":
        """These results as `later` ones correct them: a signer that was unknown then may be trusted now."""
        trusted = _TRUSTED in later.codes("success")
        kept = tuple(entry for entry in self.failure if not (trusted and entry["code"] == _UNTRUSTED))
        failed = {entry["code"] for entry in later.failure}
        success = tuple(entry for entry in self.success if not (entry["code"] == _TRUSTED and _UNTRUSTED in failed))
        return Results((*success, *later.success), (*self.informational, *later.informational), (*kept, *later.failure))

    def codes(self, kind: str) -> set[str]:
        return {entry["code"] for entry in getattr(self, kind)}


@dataclass(frozen=True, slots=True)
class _Store:
    """The SDK's answer: all manifests by label, results of the active one, and of ingredients by place."""

    manifests: Mapping[str, dict[str, Any]]
    active_id: str | None
    results: Results
    ingredients: Mapping[tuple[str, str], Results]
    trust_list_uri: str | None
    malformed: list[str] = field(default_factory=list)


def credential(
    store: Mapping[str, Any],
    trust_lists: Mapping[str, str],
    *,
    complete: bool = True,
    remote_url: str | None = None,
    expires: Callable[[], dt.datetime | None] = lambda: None,
    disclosures: Sequence[str] = (),
) -> Credential:
    """The credential in a manifest store, as `Reader.json()` gives it.

    `trust_lists`: names by URI, of lists that may vouch for signers. `complete`: the file ends where its container
    says. `expires`: when the active signer's certificate ends; asked only where nothing vouches for the time.
    """
    read = _read(store)
    active = read.manifests.get(read.active_id or "", {})
    manifest = _manifest(read, read.active_id or "", active)
    results = read.results
    failures = [_sharpened(entry, complete) for entry in results.failure]
    failures += [_MALFORMED] if read.active_id in read.malformed or not active else []
    integrity = _integrity(set(failures), results)
    time_trusted = "timeStamp.trusted" in results.codes("success") and manifest.claim_version != 1
    signer_status, trust_list = _signer(read, trust_lists, time_trusted, manifest, expires)
    signature = _dict(active.get("signature_info"))
    stamp = _text(signature.get("time"))
    return Credential(
        integrity=integrity,
        signer_status=signer_status,
        manifest_id=manifest.id,
        title=manifest.title,
        trust_list=trust_list,
        signer=manifest.signer,
        issuer=manifest.issuer,
        generator=manifest.generator,
        # The SDK also gives the time of stamps that nobody vouches for, and checks no authority of a version 1 claim.
        signed_at=stamp if time_trusted else None,
        claimed_at=None if time_trusted else (stamp or max((a.when for a in manifest.actions if a.when), default=None)),
        revocation=_revocation(results),
        claim_version=manifest.claim_version,
        actions=manifest.actions,
        all_actions=manifest.all_actions,
        soft_bindings=manifest.soft_bindings,
        ingredients=manifest.ingredients,
        redactions=manifest.redactions,
        identities=tuple(_identities(active, results)),
        manifests=tuple(
            _manifest(read, label, other) for label, other in read.manifests.items() if label != read.active_id
        ),
        metadata_source_types=manifest.metadata_source_types,
        failures=tuple(dict.fromkeys(failures)),
        remarks=tuple(dict.fromkeys(_remarks(read, failures))),
        disclosures={
            label: assertion.get("data")
            for assertion in _dicts(active.get("assertions"))
            if (label := str(assertion.get("label"))) in disclosures
        },
        remote_url=remote_url,
        bound=_bound(results, set(failures)),
        thumbnail=manifest.thumbnail,
    )


def _read(store: Mapping[str, Any]) -> _Store:
    manifests = {str(label): _dict(body) for label, body in _dict(store.get("manifests")).items()}
    results = _dict(store.get("validation_results"))
    places: dict[tuple[str, str], Results] = {}
    for label, body in manifests.items():
        for ingredient in _dicts(body.get("ingredients")):
            recorded = _dict(ingredient.get("validation_results"))
            _note(places, (label, str(ingredient.get("label"))), Results.of(recorded.get("activeManifest")))
            _note(places, (label, str(ingredient.get("label"))), _version_1(ingredient.get("validation_status")))
            _deltas(places, recorded)
    _deltas(places, results)  # what was found now corrects what was recorded
    active = Results.of(results.get("activeManifest"))
    return _Store(manifests, _text(store.get("active_manifest")), active, places, _text(results.get("trustListUri")))


def _deltas(places: dict[tuple[str, str], Results], results: Mapping[str, Any]) -> None:
    for delta in _dicts(results.get("ingredientDeltas")):
        where = _assertion(str(delta.get("ingredientAssertionURI")))
        if where:
            _note(places, where, Results.of(delta.get("validationDeltas")))


def _note(places: dict[tuple[str, str], Results], where: tuple[str, str], found: Results) -> None:
    places[where] = places.get(where, Results()).overlaid(found)


def _version_1(entries: object) -> Results:
    """Results as version 1 ingredients record them: one list of failures, in which successes may stand, too."""
    return Results(failure=tuple(entry for entry in _entries(entries) if not entry["code"].endswith(_SUCCESS)))


def _assertion(uri: str) -> tuple[str, str] | None:
    """The manifest and the label that an assertion's URI names."""
    parts = uri.rpartition("=")[2].strip("/").split("/")
    return (parts[-3], parts[-1]) if len(parts) >= 3 else None


def _manifest_of(uri: str | None) -> str | None:
    """The manifest that a URI is in: `self#jumbf=/c2pa/MANIFEST/...`."""
    parts = (uri or "").rpartition("=")[2].strip("/").split("/")
    return parts[1] if len(parts) >= 2 and parts[0] == "c2pa" else None


def _manifest(read: _Store, label: str, body: dict[str, Any]) -> Manifest:
    assertions = _dicts(body.get("assertions"))
    signature = _dict(body.get("signature_info"))
    info = next(iter(_dicts(body.get("claim_generator_info"))), {})
    generator = " ".join(filter(None, (_text(info.get("name")), _text(info.get("version")))))
    version = body.get("claim_version")

    def tolerant(found: Callable[[], Iterable[T]]) -> tuple[T, ...]:
        """An assertion of unknown shape makes its manifest malformed; everything else is still read."""
        try:
            return tuple(found())
        except (AttributeError, KeyError, TypeError, ValueError):
            read.malformed.append(label)
            return ()

    return Manifest(
        id=label or None,
        title=_text(body.get("title")),
        generator=generator or _text(body.get("claim_generator")),
        signer=_text(signature.get("common_name")),
        issuer=_text(signature.get("issuer")),
        claim_version=version if isinstance(version, int) else None,
        actions=tolerant(lambda: _actions(assertions)),
        all_actions=any(
            _dict(each.get("data")).get("allActionsIncluded") is True for each in _labelled(assertions, "c2pa.actions")
        ),
        ingredients=tolerant(lambda: _ingredients(read, label, body)),
        soft_bindings=tolerant(lambda: _soft_bindings(assertions)),
        redactions=tolerant(lambda: _redactions(body, assertions)),
        metadata_source_types=tolerant(lambda: _metadata_source_types(assertions)),
        thumbnail=_text(_dict(body.get("thumbnail")).get("identifier")),
    )


def _labelled(assertions: Iterable[dict[str, Any]], prefix: str) -> Iterator[dict[str, Any]]:
    return (each for each in assertions if str(each.get("label", "")).startswith(prefix))


def _actions(assertions: Iterable[dict[str, Any]]) -> Iterator[Action]:
    for assertion in _labelled(assertions, "c2pa.actions"):
        for entry in (assertion.get("data") or {}).get("actions") or []:
            agent = entry.get("softwareAgent")
            parameters = _dict(entry.get("parameters"))
            yield Action(
                action=str(entry.get("action")),
                digital_source_type=_text(entry.get("digitalSourceType") or parameters.get("digitalSourceType")),
                agent=_text(agent.get("name") if isinstance(agent, dict) else agent),
                when=_text(entry.get("when")),
                ingredients=tuple(_named(entry, parameters)),
                description=_text(entry.get("description") or parameters.get("description")),
            )


def _named(entry: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    """The ingredients that an action names: by assertion (version 2), or by instance id (version 1)."""
    for reference in [*_dicts(parameters.get("ingredients")), _dict(parameters.get("ingredient"))]:
        if url := _text(reference.get("url")):
            yield url.rsplit("/", 1)[-1]
    for instance in (entry.get("instanceId"), parameters.get("instanceId"), *_list(parameters.get("ingredientIds"))):
        if instance:
            yield str(instance)


def _soft_bindings(assertions: Iterable[dict[str, Any]]) -> Iterator[SoftBinding]:
    for assertion in _labelled(assertions, "c2pa.soft-binding"):
        data = assertion.get("data") or {}
        for block in data.get("blocks") or []:
            yield SoftBinding(str(data.get("alg")), str(block.get("value")))


def _redactions(body: Mapping[str, Any], assertions: Iterable[dict[str, Any]]) -> Iterator[Redaction]:
    """What the claim redacts; the reason stands in the action `c2pa.redacted`."""
    reasons: dict[str, str | None] = {str(target): None for target in _list(body.get("redactions"))}
    for assertion in _labelled(assertions, "c2pa.actions"):
        for entry in (assertion.get("data") or {}).get("actions") or []:
            if entry.get("action") == "c2pa.redacted":
                target = str(_dict(entry.get("parameters")).get("redacted"))
                reasons[target] = _text(entry.get("reason"))
    for target, reason in reasons.items():
        yield Redaction(target, reason)


def _metadata_source_types(assertions: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Digital source types in signed metadata (C2PA 2.4, 18.16), where no action says anything."""
    for assertion in assertions:
        if str(assertion.get("label", "")).startswith(("c2pa.metadata", "stds.iptc")):
            data = _dict(assertion.get("data"))
            found = data.get("Iptc4xmpExt:DigitalSourceType") or data.get("Iptc4xmpExt:digitalsourcetype")
            if found:
                yield str(found)


def _ingredients(read: _Store, label: str, body: Mapping[str, Any]) -> Iterator[Ingredient]:
    for ingredient in _dicts(body.get("ingredients")):
        own = str(ingredient.get("label"))
        results = read.ingredients.get((label, own), Results())
        # Some of what is wrong with a reference to an ingredient is reported of the manifest that refers to it.
        referring = [entry for entry in read.results.failure if _assertion(str(entry.get("url"))) == (label, own)]
        codes = [entry["code"] for entry in (*results.failure, *referring)]
        # The files below are not here: an editor's word on what did not match them is all there is.
        wrong = [code for code in dict.fromkeys(codes) if worst({code}) is not Integrity.INTACT]
        manifest_id = _text(ingredient.get("active_manifest"))
        yield Ingredient(
            title=_text(ingredient.get("title")),
            relationship=_text(ingredient.get("relationship")),
            failures=tuple(wrong),
            label=own,
            instance_id=_text(ingredient.get("instance_id")),
            mime=_text(ingredient.get("format")),
            manifest_id=manifest_id,
            signer_status=_signer_status(results, trusted=_TRUSTED in results.codes("success"), stamped=False)
            if manifest_id
            else SignerStatus.NONE,
            thumbnail=_text(_dict(ingredient.get("thumbnail")).get("identifier")),
        )


def _identities(active: Mapping[str, Any], results: Results) -> Iterator[Identity]:
    """CAWG identity assertions of the active manifest. Their codes are matched by the assertion that the URL names."""
    for assertion in _labelled(_dicts(active.get("assertions")), "cawg.identity"):
        label = str(assertion.get("label"))
        failed = _identity_codes(label, (*results.failure, *results.informational))
        held = _identity_codes(label, results.success)
        yield Identity(
            label=label,
            name=_identity_name(_dict(assertion.get("data"))),
            status="not_verified" if failed else "verified" if held else "not_checked",
            failures=tuple(dict.fromkeys(failed)),
        )


def _identity_codes(label: str, entries: Iterable[dict[str, Any]]) -> list[str]:
    """The CAWG codes about one identity assertion; a code without a URL is about each."""
    return [e["code"] for e in entries if e["code"].startswith("cawg.") and str(e.get("url") or label).endswith(label)]


def _identity_name(data: Mapping[str, Any]) -> str | None:
    """Who the assertion names: the certificate's subject, or the identities that an aggregator verified."""
    signature = _dict(data.get("signature_info"))
    verified = [_text(each.get("name") or each.get("username")) for each in _dicts(data.get("verifiedIdentities"))]
    return _text(signature.get("common_name") or signature.get("issuer")) or ", ".join(filter(None, verified)) or None


def _sharpened(entry: Mapping[str, Any], complete: bool) -> str:
    """A hash over bytes that are missing says that the file is cut short, not that anybody changed it."""
    code = str(entry["code"])
    short = not complete or _OUT_OF_DATA in str(entry.get("explanation"))
    return INCOMPLETE if code in BINDINGS and short else code


def _integrity(failures: set[str], results: Results) -> Integrity:
    """Fails closed: without a signature that was validated nothing is intact."""
    found = worst({code for code in failures if status(code).axis is Axis.INTEGRITY})
    if found is Integrity.INTACT and "claimSignature.validated" not in results.codes("success"):
        return Integrity.MALFORMED
    return found


def _bound(results: Results, failures: set[str]) -> bool:
    """Whether the claim's signature was validated, and a hash of the file's contents matches."""
    success = results.codes("success")
    return "claimSignature.validated" in success and bool(success & BINDING_MATCHES) and not failures & BINDINGS


def _signer(
    read: _Store,
    trust_lists: Mapping[str, str],
    stamped: bool,
    manifest: Manifest,
    expires: Callable[[], dt.datetime | None],
) -> tuple[SignerStatus, str | None]:
    """The active signer's status, judged by its own certificate alone (C2PA 2.4, 14.3.6), and the list that vouches.

    The SDK also accepts signers through lists for time-stamps and identities; such lists do not count here.
    """
    entry = next((each for each in read.results.success if each["code"] == _TRUSTED), None)
    found = _FOUND_IN.search(str(entry.get("explanation"))) if entry else None
    name = trust_lists.get((found[1] if found else read.trust_list_uri) or "") if entry else None
    trusted = _signer_status(read.results, trusted=name is not None, stamped=stamped)
    if trusted is SignerStatus.TRUSTED and manifest.claim_version == 1:
        end = expires()
        if end is not None and end < dt.datetime.now(dt.UTC):  # in time by a stamp that nobody vouches for
            return SignerStatus.EXPIRED, None
    return trusted, name if trusted is SignerStatus.TRUSTED else None


def _signer_status(results: Results, *, trusted: bool, stamped: bool) -> SignerStatus:
    values = {status(code).value for code in results.codes("failure") if status(code).axis is Axis.SIGNER}
    if SignerStatus.EXPIRED in values and stamped:
        values = (values - {SignerStatus.EXPIRED}) | {SignerStatus.EXPIRED_AT_SIGNING}
    worse = (
        SignerStatus.REVOKED, SignerStatus.UNFIT, SignerStatus.EXPIRED_AT_SIGNING, SignerStatus.EXPIRED
    )  # fmt: skip
    found = next((value for value in worse if value in values), None)
    return found or (SignerStatus.TRUSTED if trusted else SignerStatus.UNKNOWN)


def _revocation(results: Results) -> Revocation:
    codes = results.codes("success") | results.codes("failure")
    if any(status(code).value == SignerStatus.REVOKED for code in results.codes("failure")):
        return Revocation.REVOKED
    return Revocation.NOT_REVOKED if "signingCredential.ocsp.notRevoked" in codes else Revocation.NOT_CHECKED


def _remarks(read: _Store, failures: Iterable[str]) -> Iterator[Remark]:
    """Every failure and every informational code of the tree, each with the manifest that it is about."""
    for entry, code in zip(read.results.failure, failures, strict=False):
        yield _remark({**entry, "code": code}, failure=True, of=read.active_id)
    if read.active_id in read.malformed:
        yield Remark(_MALFORMED, True, manifest_id=read.active_id)
    for entry in read.results.informational:
        yield _remark(entry, failure=False, of=read.active_id)
    for (manifest_id, _), results in read.ingredients.items():
        for entry in results.failure:
            yield _remark(entry, failure=True, of=manifest_id)
        for entry in results.informational:
            yield _remark(entry, failure=False, of=manifest_id)


def _remark(entry: Mapping[str, Any], *, failure: bool, of: str | None) -> Remark:
    explanation = (_text(entry.get("explanation")) or "")[:_MAX_TEXT] or None
    return Remark(str(entry["code"]), failure, explanation, _manifest_of(_text(entry.get("url"))) or of)


def _entries(found: object) -> Iterator[dict[str, Any]]:
    return (entry for entry in _dicts(found) if isinstance(entry.get("code"), str))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
