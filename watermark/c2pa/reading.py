"""From the SDK's JSON to a `Credential`. Pure: no SDK, no files.

The SDK sums up in one word, which says "invalid" of an expired certificate and "trusted" of a file whose parent was
altered. Only its status codes are used here, each for what it is about.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from watermark.c2pa.contents import labelled, manifest_in
from watermark.c2pa.credential import Credential, Identity, Manifest, Remark
from watermark.c2pa.json_values import dict_of, dicts_of, text_of
from watermark.c2pa.results import TRUSTED, Results, Store, manifest_of
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

_FOUND_IN = re.compile(r"found in \[(.*?)\]")
_OUT_OF_DATA = "exclusion range exceed"  # of a file that is shorter than what was hashed
_MALFORMED = "assertion.malformed"
_MAX_TEXT = 2000


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
    read = Store.of(store)
    active = read.manifests.get(read.active_id or "", {})
    manifest = manifest_in(read, read.active_id or "", active)
    results = read.results
    failures = [_sharpened(entry, complete) for entry in results.failure]
    failures += [_MALFORMED] if read.active_id in read.malformed or not active else []
    integrity = _integrity(set(failures), results)
    time_trusted = "timeStamp.trusted" in results.codes("success") and manifest.claim_version != 1
    signer_status, trust_list = _signer(read, trust_lists, time_trusted, manifest, expires)
    signature = dict_of(active.get("signature_info"))
    stamp = text_of(signature.get("time"))
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
            manifest_in(read, label, other) for label, other in read.manifests.items() if label != read.active_id
        ),
        metadata_source_types=manifest.metadata_source_types,
        failures=tuple(dict.fromkeys(failures)),
        remarks=tuple(dict.fromkeys(_remarks(read, failures))),
        disclosures={
            label: assertion.get("data")
            for assertion in dicts_of(active.get("assertions"))
            if (label := str(assertion.get("label"))) in disclosures
        },
        remote_url=remote_url,
        bound=_bound(results, set(failures)),
        thumbnail=manifest.thumbnail,
    )


def _identities(active: Mapping[str, Any], results: Results) -> Iterator[Identity]:
    """CAWG identity assertions of the active manifest. Their codes are matched by the assertion that the URL names."""
    for assertion in labelled(dicts_of(active.get("assertions")), "cawg.identity"):
        label = str(assertion.get("label"))
        failed = _identity_codes(label, (*results.failure, *results.informational))
        held = _identity_codes(label, results.success)
        yield Identity(
            label=label,
            name=_identity_name(dict_of(assertion.get("data"))),
            status="not_verified" if failed else "verified" if held else "not_checked",
            failures=tuple(dict.fromkeys(failed)),
        )


def _identity_codes(label: str, entries: Iterable[dict[str, Any]]) -> list[str]:
    """The CAWG codes about one identity assertion; a code without a URL is about each."""
    return [e["code"] for e in entries if e["code"].startswith("cawg.") and str(e.get("url") or label).endswith(label)]


def _identity_name(data: Mapping[str, Any]) -> str | None:
    """Who the assertion names: the certificate's subject, or the identities that an aggregator verified."""
    signature = dict_of(data.get("signature_info"))
    verified = [text_of(each.get("name") or each.get("username")) for each in dicts_of(data.get("verifiedIdentities"))]
    return text_of(signature.get("common_name") or signature.get("issuer")) or ", ".join(filter(None, verified)) or None


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
    read: Store,
    trust_lists: Mapping[str, str],
    stamped: bool,
    manifest: Manifest,
    expires: Callable[[], dt.datetime | None],
) -> tuple[SignerStatus, str | None]:
    """The active signer's status, judged by its own certificate alone (C2PA 2.4, 14.3.6), and the list that vouches.

    The SDK also accepts signers through lists for time-stamps and identities; such lists do not count here.
    """
    entry = next((each for each in read.results.success if each["code"] == TRUSTED), None)
    found = _FOUND_IN.search(str(entry.get("explanation"))) if entry else None
    name = trust_lists.get((found[1] if found else read.trust_list_uri) or "") if entry else None
    trusted = read.results.signer_status(trusted=name is not None, stamped=stamped)
    if trusted is SignerStatus.TRUSTED and manifest.claim_version == 1:
        end = expires()
        if end is not None and end < dt.datetime.now(dt.UTC):  # in time by a stamp that nobody vouches for
            return SignerStatus.EXPIRED, None
    return trusted, name if trusted is SignerStatus.TRUSTED else None


def _revocation(results: Results) -> Revocation:
    codes = results.codes("success") | results.codes("failure")
    if any(status(code).value == SignerStatus.REVOKED for code in results.codes("failure")):
        return Revocation.REVOKED
    return Revocation.NOT_REVOKED if "signingCredential.ocsp.notRevoked" in codes else Revocation.NOT_CHECKED


def _remarks(read: Store, failures: Iterable[str]) -> Iterator[Remark]:
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
    explanation = (text_of(entry.get("explanation")) or "")[:_MAX_TEXT] or None
    return Remark(str(entry["code"]), failure, explanation, manifest_of(text_of(entry.get("url"))) or of)
