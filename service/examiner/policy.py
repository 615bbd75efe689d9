"""From evidence to decisions: pure functions, no IO, no models.

Lanes say what they found as signals. This module alone decides what signals are worth: `VERDICTS` and `OUTCOMES` rank
them, `CONTRADICTIONS` lists the pairs that cannot both be true.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from detectors import Fingerprint, distance
from service.examiner.codes import ConflictCode, Topic

SAME_IMAGE_DISTANCE = 31
"""PDQ's own matching threshold. It holds for JPEG quality 20 and half size; unrelated pairs start near 90."""

LOWEST_FINGERPRINT_QUALITY = 20
"""Below this PDQ quality an image has too few features for a match to mean anything (PDQ advises 50 for photographs;
drawings on a plain background reach 20 to 50 and can still be distinguished)."""


def same_image(query: Fingerprint, issued: bytes, issued_quality: int) -> bool | None:
    """Whether two fingerprints come from the same image; None if either has too few features to tell."""
    if min(query.quality, issued_quality) < LOWEST_FINGERPRINT_QUALITY:
        return None
    return distance(query.bits, issued) <= SAME_IMAGE_DISTANCE


class Verdict(StrEnum):
    """The report's one-word answer, strongest evidence first."""

    TAMPERED = "tampered"
    ISSUED_HERE = "issued_here"
    EDITED_HERE = "edited_here"
    DECLARED_SYNTHETIC = "declared_synthetic"
    DECLARED_COMPOSITE = "declared_composite"
    MARKED_SYNTHETIC = "marked_synthetic"
    CREDENTIAL_EXPIRED = "credential_expired"
    CREDENTIAL_UNREADABLE = "credential_unreadable"
    LIKELY_SYNTHETIC = "likely_synthetic"
    DECLARED_CAMERA = "declared_camera"
    LIKELY_CAMERA = "likely_camera"
    INCONCLUSIVE = "inconclusive"


class Outcome(StrEnum):
    """The answer of `verify`; each has its exit code."""

    VERIFIED = "verified"
    NOTHING = "nothing_found"
    INVALID = "invalid"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"


EXIT_CODES = {
    Outcome.VERIFIED: 0,
    Outcome.NOTHING: 1,
    Outcome.INVALID: 3,
    Outcome.UNTRUSTED: 4,
    Outcome.EXPIRED: 8,
    Outcome.UNREADABLE: 9,
}


class Signal(Enum):
    """One thing that a lane's evidence shows."""

    ISSUED_FILE = auto()
    """The ledger holds this exact file."""
    EDITED_FILE = auto()
    """This exact file was issued here as an edit of somebody's image; beside ISSUED_FILE."""
    BROKEN_CREDENTIAL = auto()
    """A hash or signature of a credential does not match, or it is ours and was moved to other bytes."""
    MALFORMED_CREDENTIAL = auto()
    """A credential breaks a rule of the specification, while every hash and its signature match."""
    REJECTED_SIGNER = auto()
    """An intact credential whose certificate was revoked, or may not sign claims."""
    EXPIRED_CREDENTIAL = auto()
    """An intact credential whose certificate has expired, and nothing trusted says that the signature is older."""
    UNREADABLE_CREDENTIAL = auto()
    """There is a credential, but it cannot be read or checked whole. That accuses nobody."""
    BROKEN_INGREDIENT = auto()
    """An image that this one was made from had been altered."""
    TRUSTED_SIGNER = auto()
    """A valid credential whose signer is on a trust list."""
    UNKNOWN_SIGNER = auto()
    """A valid credential whose signer is on no trust list."""
    SIGNED_SYNTHETIC = auto()
    """A valid credential says that a generator made the image."""
    SIGNED_COMPOSITE = auto()
    """A valid credential says that parts of the image are generated."""
    TRUSTED_CAMERA = auto()
    """A credential from a trusted signer says that a camera made the image."""
    OWN_MARK = auto()
    """The pixels carry our watermark."""
    ISSUED_IMAGE = auto()
    """Our watermark leads to an issued image, and this is that image."""
    EDITED_IMAGE = auto()
    """The issued image is an edit of somebody's image; beside ISSUED_IMAGE."""
    GENERATOR_MARK = auto()
    """The pixels carry a watermark that only generators embed, ours or another."""
    SIMILAR_IMAGE = auto()
    """The ledger holds an image that looks like this one and was generated from a prompt."""
    SYNTHETIC_CLAIMED = auto()
    """Metadata or an intact credential says that a generator made the image."""
    COMPOSITE_CLAIMED = auto()
    """Metadata or an intact credential says that parts of the image are generated."""
    CAMERA_CLAIMED = auto()
    """Metadata or a valid credential says that a camera made the image."""
    SCORED_SYNTHETIC = auto()
    """The classifiers score the image above the threshold for synthetic images."""
    SCORED_CAMERA = auto()
    """The classifiers score the image where few synthetic images lie."""


VERDICTS: Mapping[Signal, Verdict] = {
    Signal.EDITED_FILE: Verdict.EDITED_HERE,
    Signal.ISSUED_FILE: Verdict.ISSUED_HERE,  # bit for bit, whatever has become of its certificate since
    Signal.BROKEN_CREDENTIAL: Verdict.TAMPERED,
    Signal.EDITED_IMAGE: Verdict.EDITED_HERE,
    Signal.ISSUED_IMAGE: Verdict.ISSUED_HERE,
    Signal.SIGNED_SYNTHETIC: Verdict.DECLARED_SYNTHETIC,
    Signal.SIGNED_COMPOSITE: Verdict.DECLARED_COMPOSITE,
    Signal.GENERATOR_MARK: Verdict.MARKED_SYNTHETIC,
    # Their claims are shown, but nobody answers for them any more.
    Signal.EXPIRED_CREDENTIAL: Verdict.CREDENTIAL_EXPIRED,
    Signal.SYNTHETIC_CLAIMED: Verdict.DECLARED_SYNTHETIC,
    Signal.COMPOSITE_CLAIMED: Verdict.DECLARED_COMPOSITE,
    Signal.UNREADABLE_CREDENTIAL: Verdict.CREDENTIAL_UNREADABLE,
    Signal.SIMILAR_IMAGE: Verdict.LIKELY_SYNTHETIC,
    # Anyone can claim a camera, and classifiers are wrong about one honest photograph in twenty. So the word is what
    # the file declares, never an accusation by score alone; CAMERA_CLAIMED_ON_LIKELY_SYNTHETIC shows the doubt.
    Signal.TRUSTED_CAMERA: Verdict.DECLARED_CAMERA,
    Signal.CAMERA_CLAIMED: Verdict.DECLARED_CAMERA,
    Signal.SCORED_SYNTHETIC: Verdict.LIKELY_SYNTHETIC,
    Signal.SCORED_CAMERA: Verdict.LIKELY_CAMERA,
}
"""The verdict that each signal supports, strongest first. The first signal present decides."""

OUTCOMES: Mapping[Signal, Outcome] = {
    Signal.ISSUED_FILE: Outcome.VERIFIED,
    Signal.BROKEN_CREDENTIAL: Outcome.INVALID,
    Signal.MALFORMED_CREDENTIAL: Outcome.INVALID,
    Signal.REJECTED_SIGNER: Outcome.INVALID,
    Signal.EXPIRED_CREDENTIAL: Outcome.EXPIRED,
    Signal.UNREADABLE_CREDENTIAL: Outcome.UNREADABLE,
    Signal.BROKEN_INGREDIENT: Outcome.UNTRUSTED,  # an honest editor does not vouch for what was altered before
    Signal.TRUSTED_SIGNER: Outcome.VERIFIED,
    Signal.UNKNOWN_SIGNER: Outcome.UNTRUSTED,  # our watermark does not vouch for a stranger's claim
    Signal.ISSUED_IMAGE: Outcome.VERIFIED,
    Signal.OWN_MARK: Outcome.UNTRUSTED,  # it cannot be tied to this image
}
"""What `verify` answers, strongest first. Watermarks and credentials only: anyone can write unsigned metadata."""


class Contradiction(ConflictCode):
    """Conflicts between kinds of evidence, whichever lanes they come from."""

    CAMERA_CLAIMED_ON_MARKED_IMAGE = (
        "camera_claimed_on_marked_image",
        Topic.ORIGIN,
        "The file claims that a camera made the image, but the pixels carry a generator's watermark.",
    )
    CAMERA_AND_SYNTHETIC_CLAIMED = (
        "camera_and_synthetic_claimed",
        Topic.ORIGIN,
        "The file claims both that a camera and that a generator made the image.",
    )
    CAMERA_CLAIMED_ON_LIKELY_SYNTHETIC = (
        "camera_claimed_on_likely_synthetic",
        Topic.ORIGIN,
        "The file claims that a camera made the image, but the classifiers find it likely synthetic.",
    )


CONTRADICTIONS: Mapping[Contradiction, frozenset[Signal]] = {
    Contradiction.CAMERA_CLAIMED_ON_MARKED_IMAGE: frozenset({Signal.CAMERA_CLAIMED, Signal.GENERATOR_MARK}),
    Contradiction.CAMERA_AND_SYNTHETIC_CLAIMED: frozenset({Signal.CAMERA_CLAIMED, Signal.SYNTHETIC_CLAIMED}),
    Contradiction.CAMERA_CLAIMED_ON_LIKELY_SYNTHETIC: frozenset({Signal.CAMERA_CLAIMED, Signal.SCORED_SYNTHETIC}),
}
"""Signals that cannot all be true of one image."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the answer of `verify`, and the contradictions between kinds of evidence."""

    verdict: Verdict
    outcome: Outcome
    conflicts: tuple[ConflictCode, ...]


def judge(signals: Collection[Signal]) -> Judgement:
    """Weigh the signals of all lanes. Absence is never evidence: without signals the verdict is `inconclusive`."""
    return Judgement(
        verdict=next((verdict for signal, verdict in VERDICTS.items() if signal in signals), Verdict.INCONCLUSIVE),
        outcome=next((outcome for signal, outcome in OUTCOMES.items() if signal in signals), Outcome.NOTHING),
        conflicts=tuple(conflict for conflict, pair in CONTRADICTIONS.items() if pair <= set(signals)),
    )
