"""The report's section on the file's Content Credential, and how it is made from the credential."""

import base64
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from service.examiner.lanes.declared import Declared
from service.examiner.sections import ReportModel
from service.ledger.ledger import Issue
from watermark.c2pa import jumbf
from watermark.c2pa.credential import Action, Credential, Ingredient, Manifest, Remark
from watermark.c2pa.origin import Kind, Origin, origin, signals
from watermark.c2pa.status import Axis, Integrity, Revocation, SignerStatus, status

BELIEVED = frozenset({SignerStatus.TRUSTED, SignerStatus.UNKNOWN})
"""Signers against whom nothing speaks."""


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


def section_of(credential: Credential, claim: Origin | Recovered | None = None) -> Claimed:
    """The section on a credential. `claim`: its origin, if that is known already; or, of a credential that the file has
    lost, how it was recovered."""
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
