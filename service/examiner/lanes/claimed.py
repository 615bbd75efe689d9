"""What the file's Content Credential claims; if it has lost it, the credential that was issued with the image."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

from pydantic import Field

from service.examiner.codes import ConflictCode, ReasonCode, Topic, holding
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes.declared import Declared
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import ReportModel
from service.ledger.ledger import Issue, Ledger
from watermark.c2pa import jumbf
from watermark.c2pa.credential import Action, Credential, Ingredient, Manifest, Remark
from watermark.c2pa.origin import SYNTHETIC_KINDS, Kind, Origin, origin, signals
from watermark.c2pa.reader import CredentialReader
from watermark.c2pa.source_types import term
from watermark.c2pa.status import Axis, Integrity, Revocation, SignerStatus, status

_BELIEVED = frozenset({SignerStatus.TRUSTED, SignerStatus.UNKNOWN})
_EXPIRED = frozenset({SignerStatus.EXPIRED, SignerStatus.EXPIRED_AT_SIGNING})
_REJECTED = frozenset({SignerStatus.REVOKED, SignerStatus.UNFIT})


class ClaimedAction(ReportModel):
    action: str
    digital_source_type: str | None = None
    agent: str | None = None
    when: str | None = None
    description: str | None = None


class ClaimedIngredient(ReportModel):
    """A file that the image was made from. `manifest_id` leads to its own manifest, among `manifests`."""

    title: str | None = None
    relationship: str | None = None
    failures: list[str] = []
    integrity: Integrity = Integrity.INTACT
    signer_status: SignerStatus = SignerStatus.NONE
    manifest_id: str | None = None
    mime: str | None = None
    thumbnail: str | None = Field(None, description="Where the manifest store keeps a small picture of it.")


class OriginClaim(ReportModel):
    """Where the image comes from by its credential, through everything it was made from.

    `algorithmic`: made by an algorithm that was not trained on examples.
    """

    kind: Kind
    through_ingredient: bool = Field(False, description="An ingredient's credential says so, not the active manifest.")


class ClaimedManifest(ReportModel):
    """One manifest below the active one."""

    manifest_id: str
    title: str | None = None
    generator: str | None = None
    signer: str | None = None
    issuer: str | None = None
    actions: list[ClaimedAction] = []
    ingredients: list[ClaimedIngredient] = []
    composition: list[str] = []


class ClaimedIdentity(ReportModel):
    """A CAWG identity assertion. It says who stands behind the credential and vouches for nothing else."""

    label: str
    name: str | None = None
    status: Literal["verified", "not_verified", "not_checked"]
    failures: list[str] = []


class ClaimedRedaction(ReportModel):
    """An assertion that was removed from an ingredient's manifest."""

    target: str
    reason: str | None = None


class ClaimedRemark(ReportModel):
    """A C2PA validation status code, with what it is about and what it means. Informational ones are kept, too."""

    code: str
    axis: Axis
    failure: bool
    text: str
    explanation: str | None = Field(None, description="In the words of the C2PA library.")
    manifest_id: str | None = None
    source: str = Field(description="The section that defines the code.")


class Recovered(ReportModel):
    """The credential that was issued with this image, found through its watermark or its look; see lanes/recovered.py.

    `same_image`: the image looks like the issued one. It can be false for a watermark that was cropped or copied.
    """

    content_id: str
    manifest_base64: str = Field(description="The stored C2PA manifest store, application/c2pa.")
    manifest_id: str | None = Field(None, description="Identifier of its active manifest.")
    found_by: Literal["watermark", "fingerprint"] = "watermark"
    same_image: bool | None = True

    @classmethod
    def of(cls, issue: Issue, found_by: Literal["watermark", "fingerprint"], same_image: bool | None) -> "Recovered":
        """The stored credential of an issued image."""
        try:
            manifest_id = jumbf.active_manifest(issue.manifest).label
        except ValueError:  # a ledger that was altered
            manifest_id = None
        return cls(
            content_id=issue.content_id,
            manifest_base64=base64.b64encode(issue.manifest).decode(),
            manifest_id=manifest_id,
            found_by=found_by,
            same_image=same_image,
        )


class Claimed(ReportModel):
    """What the file claims about itself: integrity, signer, time, identity and ingredients, each by itself.

    `recovered`: the file has no credential, but the ledger holds the one that was issued with the image.
    """

    state: Literal["trusted", "valid_untrusted", "invalid", "absent", "remote_only", "recovered"] = Field(
        description="One word for everything, as in reports of version 1. Deprecated: read `integrity` and "
        "`signer_status`."
    )
    integrity: Integrity = Field(
        Integrity.ABSENT,
        description="`altered`: a hash or the signature does not match. `malformed`: they match, and a rule of the "
        "specification is broken. `unreadable`: the credential, or the file around it, is damaged or cut short.",
    )
    signer_status: SignerStatus = Field(SignerStatus.NONE, description="Of the active manifest's own signer.")
    manifest_id: str | None = None
    signer: str | None = None
    issuer: str | None = None
    trust_list: str | None = Field(None, description="Name of the trust list that vouches for the signer.")
    trust_list_frozen: bool = Field(False, description="That list is no longer maintained by its publisher.")
    revocation: Revocation = Revocation.NOT_CHECKED
    generator: str | None = None
    claim_version: int | None = None
    time: Literal["trusted_timestamp", "signers_word", "none"] = "none"
    signed_at: str | None = Field(None, description="Only from a trusted time-stamp.")
    claimed_at: str | None = Field(None, description="By the signer's own word.")
    origin: OriginClaim | None = None
    composition: list[str] = Field([], description="Composition signals of the active manifest, by the C2PA's names.")
    actions: list[ClaimedAction] = []
    ingredients: list[ClaimedIngredient] = []
    manifests: list[ClaimedManifest] = Field([], description="Every manifest of the store but the active one.")
    identities: list[ClaimedIdentity] = []
    redactions: list[ClaimedRedaction] = []
    remote_url: str | None = Field(None, description="Where the credential is said to be. It was not fetched.")
    disclosures: dict[str, Any] = {}
    failures: list[str] = Field([], description="C2PA validation status codes of the active manifest.")
    remarks: list[ClaimedRemark] = Field([], description="Every status code of the tree, with its meaning.")
    recovered: Recovered | None = None
    declarations: list[Declared] = []


class ClaimedReason(ReasonCode):
    TRUSTED = (
        "credential_trusted",
        Topic.CREDENTIAL,
        "The file carries a Content Credential whose signer is on a trust list.",
    )
    UNTRUSTED_SIGNER = (
        "credential_untrusted_signer",
        Topic.CREDENTIAL,
        "The Content Credential is intact, but its signer is on no trust list.",
    )
    INVALID = (
        "credential_invalid",
        Topic.CREDENTIAL,
        "The file or its Content Credential was changed after signing: a hash or the signature does not match.",
    )
    MALFORMED = (
        "credential_malformed",
        Topic.CREDENTIAL,
        "The Content Credential breaks a rule of its specification. Every hash and the signature match.",
    )
    UNREADABLE = (
        "credential_unreadable",
        Topic.CREDENTIAL,
        "The file carries a Content Credential that cannot be read or checked whole: damaged, or cut short.",
    )
    EXPIRED = (
        "credential_expired",
        Topic.CREDENTIAL,
        "The Content Credential is intact, but its certificate has expired and nothing vouches for its date.",
    )
    REJECTED_SIGNER = (
        "credential_signer_rejected",
        Topic.CREDENTIAL,
        "The Content Credential is intact, but its certificate was revoked, or may not sign claims.",
    )
    ELSEWHERE = (
        "credential_elsewhere",
        Topic.CREDENTIAL,
        "The file points to a Content Credential on another host, which was not fetched.",
    )
    ABSENT = (
        "credential_absent",
        Topic.CREDENTIAL,
        "The file carries no Content Credential. That is not evidence of anything.",
    )
    CHANGED_AFTER_ISSUE = (
        "file_changed_after_issue",
        Topic.FILE,
        "Its manifest was issued here with other bytes: the file was changed.",
    )
    SYNTHETIC = (
        "credential_declares_synthetic",
        Topic.ORIGIN,
        "The Content Credential says that a generator made the image.",
    )
    ALGORITHMIC = (
        "credential_declares_algorithmic",
        Topic.ORIGIN,
        "The Content Credential says that an algorithm made the image: algorithmic, not trained on examples.",
    )
    COMPOSITE = (
        "credential_declares_composite",
        Topic.ORIGIN,
        "The Content Credential says that parts of the image are generated.",
    )
    CAMERA = (
        "credential_declares_camera",
        Topic.ORIGIN,
        "The Content Credential says that a camera made the image.",
    )
    THROUGH_INGREDIENT = (
        "origin_through_ingredient",
        Topic.ORIGIN,
        "That origin is claimed by the credential of an image that this one was made from.",
    )
    INGREDIENT_UNKNOWN_SIGNER = (
        "ingredient_unknown_signer",
        Topic.INGREDIENTS,
        "An image that this one was made from has a credential whose signer is on no trust list.",
    )
    INGREDIENT_UNREADABLE = (
        "ingredient_unreadable",
        Topic.INGREDIENTS,
        "An image that this one was made from had a credential that could not be checked, or that breaks a rule.",
    )


class ClaimedConflict(ConflictCode):
    INGREDIENT_INVALID = (
        "ingredient_invalid",
        Topic.INGREDIENTS,
        "An image that this one was made from had been altered after it was signed.",
    )


class ClaimedLane(Lane[Claimed]):
    """Content Credentials (C2PA)."""

    field = "claimed"
    reasons = ClaimedReason
    conflicts = ClaimedConflict
    does_not_prove = "A credential shows who signed what, not that it is true; and a file without one may be anything."

    def __init__(self, credentials: CredentialReader, ledger: Ledger) -> None:
        self._credentials = credentials
        self._ledger = ledger

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls(sources.credentials, sources.ledger)

    def find(self, examination: Examination) -> Finding[Claimed]:
        credential = examination.credential
        return finding(
            credential,
            self._recover(examination) if credential.state == "absent" else None,
            issued_manifest=self._issued_manifest(credential),
            issued_file=examination.issued_file is not None,
        )

    def find_without_pixels(self, file: FileExamination) -> Finding[Claimed]:
        credential = file.credential
        issued = file.issued_file is not None
        return finding(credential, issued_manifest=self._issued_manifest(credential), issued_file=issued)

    @staticmethod
    def lines(section: Claimed) -> Iterator[str]:
        yield section.state if section.state == "recovered" else section.integrity.value
        if section.signer or section.signer_status is not SignerStatus.NONE:
            frozen = ", no longer maintained" if section.trust_list_frozen else ""
            yield f"signer: {section.signer}, {section.issuer} (trust list: {section.trust_list or 'none'}{frozen})"
            if section.signer_status not in _BELIEVED:
                yield f"certificate: {section.signer_status.value.replace('_', ' ')}"
        yield from _time_lines(section)
        if section.remote_url:
            yield f"credential elsewhere, not fetched: {section.remote_url}"
        if section.generator:
            yield f"generator: {section.generator}"
        if section.origin and section.origin.kind is not Kind.UNKNOWN:
            yield f"origin: {section.origin.kind.value}{', by an ingredient' * section.origin.through_ingredient}"
        for action in section.actions:
            yield _action_line(action)
        for ingredient in section.ingredients:
            yield _ingredient_line(ingredient)
        for identity in section.identities:
            yield f"identity: {identity.name or identity.label} ({identity.status.replace('_', ' ')})"
        for redaction in section.redactions:
            yield f"redacted: {redaction.target} ({redaction.reason or 'no reason given'})"
        for remark in section.remarks:
            yield f"{'failure' if remark.failure else 'note'}: {remark.code}: {remark.text}"

    def _issued_manifest(self, credential: Credential) -> bool:
        """Whether we issued this manifest, in whichever file it is now."""
        issue = self._ledger.by_content_id(credential.title) if credential.title else None
        return issue is not None and (credential.manifest_id or "").encode() in issue.manifest

    def _recover(self, examination: Examination) -> "tuple[Credential, Recovered] | None":
        """The credential that was issued with this image, if everything in it but the lost file's hash is valid."""
        issue, picture = examination.trace.issue, examination.picture
        if issue is None or not examination.trace.same_image:
            return None
        stored = self._credentials.read(picture.data, picture.mime, issue.manifest)
        if not stored.only_bytes_differ:
            return None
        return stored, Recovered.of(issue, "watermark", True)


def finding(
    credential: Credential,
    recovered: tuple[Credential, Recovered] | None = None,
    *,
    issued_manifest: bool = False,
    issued_file: bool = False,
) -> Finding[Claimed]:
    """What a file's credential shows. A recovered one is reported and weighs nothing: the watermark does.

    `issued_manifest`: we issued this manifest, in this file or another; `issued_file`: we issued this very file.
    """
    # Some bytes of a signature's padding can change and leave it trusted. A stranger can copy our ids into a manifest
    # of their own, so an untrusted one proves nothing here.
    trusted = credential.state == "trusted"
    changed = issued_manifest and trusted and not issued_file
    claim = origin(credential) if credential.integrity is not Integrity.ABSENT else Origin()
    return Finding(
        section=_section(*recovered) if recovered else _section(credential, claim),
        signals=frozenset(holding({**_state_signals(credential, changed), **_origin_signals(credential, claim)})),
        reasons=holding(_reasons(credential, claim, changed)),
        conflicts=holding({ClaimedConflict.INGREDIENT_INVALID: any(map(_altered, _every_ingredient(credential)))}),
    )


def _state_signals(credential: Credential, changed: bool) -> dict[Signal, bool]:
    """What the credential's state shows, whatever it says."""
    integrity, status = credential.integrity, credential.signer_status
    intact = integrity is Integrity.INTACT
    made_from = (each for each in _every_ingredient(credential) if each.relationship != "inputTo")
    return {
        Signal.BROKEN_CREDENTIAL: integrity is Integrity.ALTERED or changed,
        Signal.MALFORMED_CREDENTIAL: integrity is Integrity.MALFORMED,
        Signal.UNREADABLE_CREDENTIAL: integrity is Integrity.UNREADABLE,
        Signal.REJECTED_SIGNER: intact and status in _REJECTED,
        Signal.EXPIRED_CREDENTIAL: intact and status in _EXPIRED,
        Signal.TRUSTED_SIGNER: intact and status is SignerStatus.TRUSTED,
        Signal.UNKNOWN_SIGNER: intact and status is SignerStatus.UNKNOWN,
        Signal.BROKEN_INGREDIENT: any(map(_altered, made_from)),
    }


def _origin_signals(credential: Credential, claim: Origin) -> dict[Signal, bool]:
    """What the credential says. Of a signer nobody answers for, only what speaks against the image counts."""
    signed = credential.signed
    believed = signed and credential.signer_status in _BELIEVED
    synthetic, composite = claim.kind in SYNTHETIC_KINDS, claim.kind is Kind.COMPOSITE
    camera = believed and claim.kind is Kind.CAMERA
    return {
        Signal.SIGNED_SYNTHETIC: believed and synthetic,
        Signal.SIGNED_COMPOSITE: believed and composite,
        Signal.SYNTHETIC_CLAIMED: signed and synthetic,
        Signal.COMPOSITE_CLAIMED: signed and composite,
        Signal.TRUSTED_CAMERA: camera and credential.state == "trusted" and claim.vouched,
        Signal.CAMERA_CLAIMED: camera,
    }


def _reasons(credential: Credential, claim: Origin, changed: bool) -> dict[ReasonCode, bool]:
    integrity, status = credential.integrity, credential.signer_status
    intact, signed = integrity is Integrity.INTACT, credential.signed
    ingredients = list(_every_ingredient(credential))
    return {
        ClaimedReason.TRUSTED: intact and status is SignerStatus.TRUSTED,
        ClaimedReason.UNTRUSTED_SIGNER: intact and status is SignerStatus.UNKNOWN,
        ClaimedReason.EXPIRED: intact and status in _EXPIRED,
        ClaimedReason.REJECTED_SIGNER: intact and status in _REJECTED,
        ClaimedReason.INVALID: integrity is Integrity.ALTERED,
        ClaimedReason.MALFORMED: integrity is Integrity.MALFORMED,
        ClaimedReason.UNREADABLE: integrity is Integrity.UNREADABLE,
        ClaimedReason.ELSEWHERE: credential.state == "remote_only",
        ClaimedReason.ABSENT: credential.state == "absent",
        ClaimedReason.CHANGED_AFTER_ISSUE: changed,
        ClaimedReason.SYNTHETIC: signed and claim.kind is Kind.SYNTHETIC,
        ClaimedReason.ALGORITHMIC: signed and claim.kind is Kind.ALGORITHMIC,
        ClaimedReason.COMPOSITE: signed and claim.kind is Kind.COMPOSITE,
        ClaimedReason.CAMERA: signed and claim.kind is Kind.CAMERA,
        ClaimedReason.THROUGH_INGREDIENT: signed and claim.through and claim.kind not in (Kind.UNKNOWN, Kind.OTHER),
        ClaimedReason.INGREDIENT_UNKNOWN_SIGNER: any(i.signer_status is SignerStatus.UNKNOWN for i in ingredients),
        ClaimedReason.INGREDIENT_UNREADABLE: any(
            i.integrity in (Integrity.UNREADABLE, Integrity.MALFORMED) for i in ingredients
        ),
    }


def _every_ingredient(credential: Credential) -> Iterator[Ingredient]:
    """The ingredients of every manifest of the tree."""
    yield from credential.ingredients
    for manifest in credential.manifests:
        yield from manifest.ingredients


def _altered(ingredient: Ingredient) -> bool:
    return ingredient.integrity is Integrity.ALTERED


def _section(credential: Credential, claim: Origin | Recovered | None = None) -> Claimed:
    recovered = claim if isinstance(claim, Recovered) else None
    found = claim if isinstance(claim, Origin) else origin(credential)
    stamped = "trusted_timestamp" if credential.signed_at else "signers_word" if credential.claimed_at else "none"
    absent = credential.integrity is Integrity.ABSENT
    return Claimed(
        state="recovered" if recovered else credential.state,
        integrity=Integrity.ABSENT if recovered else credential.integrity,
        signer_status=credential.signer_status,
        manifest_id=credential.manifest_id,
        signer=credential.signer,
        issuer=credential.issuer,
        trust_list=credential.trust_list,
        trust_list_frozen=credential.trust_list_frozen,
        revocation=credential.revocation,
        generator=credential.generator,
        claim_version=credential.claim_version,
        time=stamped,
        signed_at=credential.signed_at,
        claimed_at=credential.claimed_at,
        origin=None if absent else OriginClaim(kind=found.kind, through_ingredient=found.through),
        composition=[] if absent else list(signals(credential.active)),
        actions=_actions(credential.actions),
        ingredients=_ingredients(credential.ingredients),
        manifests=[_manifest(each) for each in credential.manifests],
        identities=[
            ClaimedIdentity(label=i.label, name=i.name, status=i.status, failures=list(i.failures))
            for i in credential.identities
        ],
        redactions=[ClaimedRedaction(target=r.target, reason=r.reason) for r in credential.redactions],
        remote_url=credential.remote_url,
        disclosures=credential.disclosures,
        failures=[] if recovered else list(credential.failures),
        remarks=[] if recovered else [_remark(each) for each in credential.remarks],
        recovered=recovered,
    )


def _manifest(manifest: Manifest) -> ClaimedManifest:
    return ClaimedManifest(
        manifest_id=manifest.id or "",
        title=manifest.title,
        generator=manifest.generator,
        signer=manifest.signer,
        issuer=manifest.issuer,
        actions=_actions(manifest.actions),
        ingredients=_ingredients(manifest.ingredients),
        composition=list(signals(manifest)),
    )


def _actions(actions: Sequence[Action]) -> list[ClaimedAction]:
    return [
        ClaimedAction(
            action=each.action,
            digital_source_type=each.digital_source_type,
            agent=each.agent,
            when=each.when,
            description=each.description,
        )
        for each in actions
    ]


def _ingredients(ingredients: Sequence[Ingredient]) -> list[ClaimedIngredient]:
    return [
        ClaimedIngredient(
            title=each.title,
            relationship=each.relationship,
            failures=list(each.failures),
            integrity=each.integrity if each.manifest_id or each.failures else Integrity.ABSENT,
            signer_status=each.signer_status,
            manifest_id=each.manifest_id,
            mime=each.mime,
            thumbnail=each.thumbnail,
        )
        for each in ingredients
    ]


def _remark(remark: Remark) -> ClaimedRemark:
    meaning = status(remark.code)
    return ClaimedRemark(
        code=remark.code,
        axis=meaning.axis,
        failure=remark.failure,
        text=meaning.text,
        explanation=remark.explanation,
        manifest_id=remark.manifest_id,
        source=meaning.section,
    )


def _time_lines(section: Claimed) -> Iterator[str]:
    if section.signed_at:
        yield f"signed at {section.signed_at} (trusted time-stamp)"
    elif section.claimed_at:
        yield f"signed at {section.claimed_at} by the signer's own word"


def _action_line(action: ClaimedAction) -> str:
    return " ".join(filter(None, (f"{action.action}:", action.agent, term(action.digital_source_type), action.when)))


def _ingredient_line(ingredient: ClaimedIngredient) -> str:
    state = ingredient.integrity.value if ingredient.manifest_id else "without a credential"
    about = ", ".join([ingredient.relationship or "ingredient", state, *ingredient.failures])
    return f"made from: {ingredient.title or ingredient.manifest_id or 'a file'} ({about})"
