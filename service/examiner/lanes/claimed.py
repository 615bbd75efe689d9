"""What the file's Content Credential claims; if it has lost it, the credential that was issued with the image."""

import base64
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field

from service.examiner.codes import ConflictCode, ReasonCode, Topic, holding
from service.examiner.examination import Examination, Sources
from service.examiner.lanes.declared import Declared
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import ReportModel
from service.ledger.ledger import Ledger
from watermark.c2pa.credentials import Credential, Credentials
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE

_CAMERA_SOURCES = frozenset({"digitalCapture", "computationalCapture"})


class ClaimedAction(ReportModel):
    action: str
    digital_source_type: str | None = None
    agent: str | None = None
    when: str | None = None


class ClaimedIngredient(ReportModel):
    title: str | None = None
    relationship: str | None = None
    failures: list[str] = []


class Recovered(ReportModel):
    """The credential that was issued with this image, found through its watermark after the file had lost it."""

    content_id: str
    manifest_base64: str = Field(description="The stored C2PA manifest store, application/c2pa.")


class Claimed(ReportModel):
    """What the file claims about itself.

    `recovered`: the file has no credential, but the ledger holds the one that was issued with the image.
    """

    state: Literal["trusted", "valid_untrusted", "invalid", "absent", "remote_only", "recovered"]
    manifest_id: str | None = None
    signer: str | None = None
    issuer: str | None = None
    trust_list: str | None = None
    generator: str | None = None
    signed_at: str | None = Field(None, description="Only from a trusted time-stamp.")
    actions: list[ClaimedAction] = []
    ingredients: list[ClaimedIngredient] = []
    disclosures: dict[str, Any] = {}
    failures: list[str] = Field([], description="C2PA validation status codes.")
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
        "The Content Credential is not valid: changed after signing, damaged or expired.",
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


class ClaimedConflict(ConflictCode):
    INGREDIENT_INVALID = (
        "ingredient_invalid",
        Topic.INGREDIENTS,
        "An image that this one was made from had a broken credential.",
    )


class ClaimedLane(Lane[Claimed]):
    """Content Credentials (C2PA)."""

    field = "claimed"
    reasons = ClaimedReason
    conflicts = ClaimedConflict

    def __init__(self, credentials: Credentials, ledger: Ledger) -> None:
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

    @staticmethod
    def lines(section: Claimed) -> Iterator[str]:
        yield section.state
        if section.signer:
            yield f"signer: {section.signer}, {section.issuer} (trust list: {section.trust_list or 'none'})"
        if section.generator:
            yield f"generator: {section.generator}"
        for action in section.actions:
            source = (action.digital_source_type or "").rsplit("/", 1)[-1]
            yield " ".join(filter(None, (f"{action.action}:", action.agent, source, action.when)))
        for failure in section.failures:
            yield f"failure: {failure}"

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
        manifest = base64.b64encode(issue.manifest).decode()
        return stored, Recovered(content_id=issue.content_id, manifest_base64=manifest)


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
    state = credential.state
    # Some bytes of a signature's padding can change and leave it trusted. A stranger can copy our ids into a manifest
    # of their own, so an untrusted one proves nothing here.
    changed = issued_manifest and state == "trusted" and not issued_file
    signed = state in ("trusted", "valid_untrusted")
    synthetic, camera = signed and _claims_synthetic(credential), signed and _claims_camera(credential)
    signals = {
        Signal.BROKEN_CREDENTIAL: state == "invalid" or changed,
        Signal.TRUSTED_SIGNER: state == "trusted",
        Signal.UNKNOWN_SIGNER: state == "valid_untrusted",
        Signal.SIGNED_SYNTHETIC: synthetic,
        Signal.SYNTHETIC_CLAIMED: synthetic,
        Signal.TRUSTED_CAMERA: camera and state == "trusted",
        Signal.CAMERA_CLAIMED: camera,
    }
    reasons: dict[ReasonCode, bool] = {
        ClaimedReason.TRUSTED: state == "trusted",
        ClaimedReason.UNTRUSTED_SIGNER: state == "valid_untrusted",
        ClaimedReason.INVALID: state == "invalid",
        ClaimedReason.ELSEWHERE: state == "remote_only",
        ClaimedReason.ABSENT: state == "absent",
        ClaimedReason.CHANGED_AFTER_ISSUE: changed,
    }
    broken = any(ingredient.failures for ingredient in credential.ingredients)
    return Finding(
        section=_section(*recovered) if recovered else _section(credential),
        signals=frozenset(holding(signals)),
        reasons=holding(reasons),
        conflicts=holding({ClaimedConflict.INGREDIENT_INVALID: broken}),
    )


def _section(credential: Credential, recovered: Recovered | None = None) -> Claimed:
    return Claimed(
        state="recovered" if recovered else credential.state,
        manifest_id=credential.manifest_id,
        signer=credential.signer,
        issuer=credential.issuer,
        trust_list=credential.trust_list,
        generator=credential.generator,
        signed_at=credential.signed_at,
        actions=[
            ClaimedAction(action=a.action, digital_source_type=a.digital_source_type, agent=a.agent, when=a.when)
            for a in credential.actions
        ],
        ingredients=[
            ClaimedIngredient(title=i.title, relationship=i.relationship, failures=list(i.failures))
            for i in credential.ingredients
        ],
        disclosures=credential.disclosures,
        failures=[] if recovered else list(credential.failures),
        recovered=recovered,
    )


def _claims_synthetic(credential: Credential) -> bool:
    return any("AlgorithmicMedia" in kind or kind == "compositeSynthetic" for kind in _source_types(credential))


def _claims_camera(credential: Credential) -> bool:
    return bool(_source_types(credential) & _CAMERA_SOURCES)


def _source_types(credential: Credential) -> set[str]:
    return {(action.digital_source_type or "").removeprefix(DIGITAL_SOURCE_TYPE) for action in credential.actions}
