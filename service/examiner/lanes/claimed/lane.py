"""What a Content Credential shows: signals for the verdict, reasons and conflicts."""

from collections.abc import Iterator
from typing import Self

from service.examiner.codes import ReasonCode, holding
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes.claimed.codes import ClaimedConflict, ClaimedReason
from service.examiner.lanes.claimed.lines import lines
from service.examiner.lanes.claimed.section import BELIEVED, Claimed, Recovered, section_of
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.ledger.ledger import Ledger
from watermark.c2pa.credential import Credential, Ingredient
from watermark.c2pa.origin import SYNTHETIC_KINDS, Kind, Origin, origin
from watermark.c2pa.reader import CredentialReader
from watermark.c2pa.status import Integrity, SignerStatus

_EXPIRED = frozenset({SignerStatus.EXPIRED, SignerStatus.EXPIRED_AT_SIGNING})
_REJECTED = frozenset({SignerStatus.REVOKED, SignerStatus.UNFIT})


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
        return lines(section)

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
        section=section_of(*recovered) if recovered else section_of(credential, claim),
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
    believed = signed and credential.signer_status in BELIEVED
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
