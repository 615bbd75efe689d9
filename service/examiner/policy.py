"""From evidence to decisions: pure functions, no IO, no models."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from detectors import Declaration, Fingerprint, distance
from watermark import Codec
from watermark.c2pa.credentials import Credential
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE, mark_id_of

SAME_IMAGE_DISTANCE = 31
"""PDQ's own matching threshold. It holds for JPEG quality 20 and half size; unrelated pairs start near 90."""

LOWEST_FINGERPRINT_QUALITY = 20
"""Below this PDQ quality a picture has too few features for a match to mean anything (PDQ advises 50 for
photographs; drawings on plain ground reach 20 to 50 and still tell apart)."""


def same_image(query: Fingerprint, issued: bytes, issued_quality: int) -> bool | None:
    """Whether two fingerprints are of one picture; None where either is too featureless to tell."""
    if min(query.quality, issued_quality) < LOWEST_FINGERPRINT_QUALITY:
        return None
    return distance(query.bits, issued) <= SAME_IMAGE_DISTANCE


class Verdict(StrEnum):
    """The report's one-word answer, strongest evidence first."""

    TAMPERED = "tampered"
    ISSUED_HERE = "issued_here"
    DECLARED_SYNTHETIC = "declared_synthetic"
    MARKED_SYNTHETIC = "marked_synthetic"
    LIKELY_SYNTHETIC = "likely_synthetic"
    DECLARED_CAMERA = "declared_camera"
    LIKELY_CAMERA = "likely_camera"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was found out about one file.

    `mark_id`: the mark in the pixels; `record_known`: it resolves in the ledger; `same_image`: the picture is the
    issued one (None: cannot tell); `file_known`: this very file was issued; `manifest_known`: its manifest was
    issued; `foreign_synthetic`: it carries another generator's mark; `matched`: its fingerprint is that of an issued
    picture; `inferred`: what the classifiers' scores mean.
    """

    credential: Credential
    declarations: tuple[Declaration, ...] = ()
    mark_id: int | None = None
    record_known: bool = False
    same_image: bool | None = None
    file_known: bool = False
    manifest_known: bool = False
    foreign_synthetic: bool = False
    matched: bool = False
    inferred: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the contradictions between kinds of evidence, and the reasons, both as stable codes."""

    verdict: Verdict
    conflicts: tuple[str, ...]
    reasons: tuple[str, ...]


def judge(evidence: Evidence) -> Judgement:
    """Weigh the evidence. Absence is never evidence: with nothing found the verdict is `inconclusive`."""
    reasons = tuple(code for code, holds in _reasons(evidence).items() if holds)
    conflicts = tuple(code for code, holds in _conflicts(evidence).items() if holds)
    return Judgement(_verdict(evidence), conflicts, reasons)


def _verdict(evidence: Evidence) -> Verdict:
    marked = evidence.mark_id is not None or evidence.foreign_synthetic
    origins = origins_of(evidence)
    ladder = (
        (evidence.file_known, Verdict.ISSUED_HERE),  # bit for bit, whatever became of the certificate since
        (evidence.credential.state == "invalid" or _changed_after_issue(evidence), Verdict.TAMPERED),
        (evidence.record_known and bool(evidence.same_image), Verdict.ISSUED_HERE),
        (_signed(evidence) and _claims_ai(evidence.credential), Verdict.DECLARED_SYNTHETIC),
        (marked, Verdict.MARKED_SYNTHETIC),
        (bool(origins & {"synthetic", "composite"}), Verdict.DECLARED_SYNTHETIC),
        (evidence.matched, Verdict.LIKELY_SYNTHETIC),
        # Anyone can sign a claim of a camera; only a signer on a trust list outweighs the classifiers.
        (evidence.credential.state == "trusted" and _claims_camera(evidence.credential), Verdict.DECLARED_CAMERA),
        (evidence.inferred is Verdict.LIKELY_SYNTHETIC, Verdict.LIKELY_SYNTHETIC),
        ("camera" in origins, Verdict.DECLARED_CAMERA),
        (evidence.inferred is Verdict.LIKELY_CAMERA, Verdict.LIKELY_CAMERA),
    )
    return next((verdict for holds, verdict in ladder if holds), Verdict.INCONCLUSIVE)


def _reasons(evidence: Evidence) -> dict[str, bool]:
    state = evidence.credential.state
    marked = evidence.mark_id is not None
    return {
        "credential_trusted": state == "trusted",
        "credential_untrusted_signer": state == "valid_untrusted",
        "credential_invalid": state == "invalid",
        "credential_elsewhere": state == "remote_only",
        "credential_absent": state == "absent",
        "file_issued_here": evidence.file_known,
        "file_changed_after_issue": _changed_after_issue(evidence),
        "mark_found": marked,
        "foreign_mark_found": evidence.foreign_synthetic,
        "mark_resolved": evidence.record_known,
        "mark_unknown_here": marked and not evidence.record_known,
        "same_image": evidence.same_image is True,
        "different_image": evidence.same_image is False,
        "same_image_undecided": evidence.record_known and evidence.same_image is None,
        "fingerprint_matched": evidence.matched,
        "metadata_declares_synthetic": any(d.origin == "synthetic" for d in evidence.declarations),
        "metadata_declares_composite": any(d.origin == "composite" for d in evidence.declarations),
        "metadata_declares_camera": any(d.origin == "camera" for d in evidence.declarations),
    }


def _conflicts(evidence: Evidence) -> dict[str, bool]:
    origins = origins_of(evidence)
    bindings = [b for b in evidence.credential.soft_bindings if b.algorithm == Codec.ALGORITHM]
    bound = {mark_id_of(binding.value) for binding in bindings}
    marked = evidence.mark_id is not None
    return {
        "mark_on_other_image": evidence.record_known and evidence.same_image is False,
        "mark_is_not_the_credentials": marked and bool(bound) and evidence.mark_id not in bound,
        "camera_claimed_on_marked_image": (marked or evidence.foreign_synthetic) and "camera" in origins,
        "camera_and_synthetic_claimed": {"camera", "synthetic"} <= origins,
        "camera_claimed_on_likely_synthetic": evidence.inferred is Verdict.LIKELY_SYNTHETIC and "camera" in origins,
        "ingredient_invalid": any(i.failures for i in evidence.credential.ingredients),
    }


def origins_of(evidence: Evidence) -> set[str]:
    """Every origin that metadata or a validly signed credential claims."""
    origins = {str(d.origin) for d in evidence.declarations} - {"unknown"}
    if _signed(evidence):
        origins |= {"synthetic"} if _claims_ai(evidence.credential) else set()
        origins |= {"camera"} if _claims_camera(evidence.credential) else set()
    return origins


def _signed(evidence: Evidence) -> bool:
    return evidence.credential.state in ("trusted", "valid_untrusted")


def _changed_after_issue(evidence: Evidence) -> bool:
    """Our own trusted manifest on other bytes: some bytes of a signature's padding can change and stay trusted.

    A stranger can write our ids into a manifest of their own, so an untrusted one proves nothing here.
    """
    return evidence.manifest_known and evidence.credential.state == "trusted" and not evidence.file_known


def _source_types(credential: Credential) -> set[str]:
    return {(action.digital_source_type or "").removeprefix(DIGITAL_SOURCE_TYPE) for action in credential.actions}


def _claims_ai(credential: Credential) -> bool:
    return any("AlgorithmicMedia" in kind or kind == "compositeSynthetic" for kind in _source_types(credential))


def _claims_camera(credential: Credential) -> bool:
    return bool(_source_types(credential) & {"digitalCapture", "computationalCapture"})


def inferred(p: float, out_of_scope: Sequence[str], synthetic_above: float, camera_below: float) -> Verdict:
    """What the classifiers' probability means. Outside what they were measured on it means nothing."""
    if out_of_scope:
        return Verdict.INCONCLUSIVE
    if p > synthetic_above:
        return Verdict.LIKELY_SYNTHETIC
    return Verdict.LIKELY_CAMERA if p < camera_below else Verdict.INCONCLUSIVE


class Outcome(StrEnum):
    """What `verify` answers; each has its exit code."""

    VERIFIED = "verified"
    NOTHING = "nothing_found"
    INVALID = "invalid"
    UNTRUSTED = "untrusted"


EXIT_CODES = {Outcome.VERIFIED: 0, Outcome.NOTHING: 1, Outcome.INVALID: 3, Outcome.UNTRUSTED: 4}


def outcome(evidence: Evidence) -> Outcome:
    """Marks and credentials alone: unsigned metadata anyone can write verifies nothing.

    `untrusted` is a sound signature of somebody we do not know, or a mark that cannot be tied to this picture.
    """
    state = evidence.credential.state
    ladder = (
        (evidence.file_known, Outcome.VERIFIED),
        (state == "invalid" or _changed_after_issue(evidence), Outcome.INVALID),
        (state == "trusted", Outcome.VERIFIED),
        (state == "valid_untrusted", Outcome.UNTRUSTED),  # a stranger's claim is not verified by our mark
        (evidence.same_image is True, Outcome.VERIFIED),
        (evidence.mark_id is not None, Outcome.UNTRUSTED),
    )
    return next((answer for holds, answer in ladder if holds), Outcome.NOTHING)
