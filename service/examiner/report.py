"""The report, as types. Its JSON schema is docs/report.schema.json, the same from API, CLI and offline.

`claimed`, `marked`, `matched` and `inferred` are kept apart: what the file says, what its pixels carry, what
it looks like, and what classifiers think. Bump VERSION's first part when a field changes meaning or goes.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.examiner.policy import Outcome, Verdict

VERSION: Literal["1.1"] = "1.1"


class _ReportModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asset(_ReportModel):
    """The examined bytes."""

    sha256: str
    mime: str
    bytes: int
    width: int = Field(description="Pixels, after EXIF orientation.")
    height: int


class ClaimedAction(_ReportModel):
    action: str
    digital_source_type: str | None = None
    agent: str | None = None
    when: str | None = None


class ClaimedIngredient(_ReportModel):
    title: str | None = None
    relationship: str | None = None
    failures: list[str] = []


class Declared(_ReportModel):
    """A statement in unsigned metadata: anyone can write one."""

    source: Literal["iptc", "png_text", "exif", "aigc"]
    origin: Literal["synthetic", "composite", "camera", "unknown"]
    value: str


class Recovered(_ReportModel):
    """The credential that was issued with this picture, found through its mark after the file had lost it."""

    content_id: str
    manifest_base64: str = Field(description="The stored C2PA manifest store, application/c2pa.")


class Claimed(_ReportModel):
    """What the file says of itself. `recovered`: the file says nothing, but we kept what it said when issued."""

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


class Issued(_ReportModel):
    """The ledger's row for an image that was issued here."""

    content_id: str
    created_at: str
    model: str
    sha256: str


class WatermarkReading(_ReportModel):
    """One watermark codec's answer: ours comes first, then other people's.

    `same_image`: the picture is the one the mark was issued on.
    """

    codec: str
    present: bool
    mark_id: str | None = Field(None, description="12 hexadecimal digits.")
    confidence: float | None = None
    issued: Issued | None = None
    same_image: bool | None = None
    distance: int | None = Field(None, description="PDQ Hamming distance to the issued picture, 0 to 256.")
    coverage: float | None = Field(
        None,
        description="Share that still carries our mark, 0 to 1: of the picture, or of its middle where a side is more "
        "than twice the other, for only that is looked at.",
    )
    name: str | None = Field(None, description="Whose mark it is, where it is not ours.")
    payload: str | None = Field(None, description="What somebody else's mark says.")
    synthetic: bool = Field(False, description="Somebody else's mark that only generators put in.")
    note: str | None = Field(None, description="Why a codec gave no answer.")


class Matched(_ReportModel):
    """An issued picture that looks like this one."""

    issued: Issued
    distance: int = Field(description="PDQ Hamming distance, 0 to 256.")


class Reason(_ReportModel):
    code: str
    text: str


class DetectorFinding(_ReportModel):
    """One classifier's answer: its uncalibrated score in 0..1, and the weights that gave it."""

    detector: str
    score: float
    model: str
    digest: str


class Inferred(_ReportModel):
    """What classifiers say.

    `not_available`: none could be loaded, `not_asked`: the caller wanted none; then there is no score.
    """

    state: Literal["available", "not_available", "not_asked"]
    verdict: Literal["likely_synthetic", "inconclusive", "likely_camera"] | None = None
    p_synthetic: float | None = Field(None, description="Calibrated on sources held out of training, half synthetic.")
    interval: tuple[float, float] | None = Field(None, description="90 % interval of p_synthetic over sources.")
    threshold_fpr: float | None = Field(None, description="Share of real pictures that would be called synthetic.")
    synthetic_above: float | None = None
    camera_below: float | None = None
    findings: list[DetectorFinding] = []
    generator_family: str | None = Field(
        None, description="Empty: pixels did not tell it on generators held out of training."
    )
    calibration: str | None = None
    warnings: list[Reason] = Field([], description="Why the figures may not hold; then the verdict is inconclusive.")
    reasons: list[Reason] = []


class Report(_ReportModel):
    """All that is known about one file."""

    version: Literal["1.1"] = VERSION
    file: str = Field(description="The name it was given by; `-` where there was none.")
    asset: Asset
    verdict: Verdict
    outcome: Outcome = Field(description="What `countermark verify` answers from marks and credentials alone.")
    claimed: Claimed
    marked: list[WatermarkReading]
    matched: list[Matched]
    inferred: Inferred
    conflicts: list[str]
    reasons: list[Reason]


REASONS = {
    "credential_trusted": "The file carries a Content Credential whose signer is on a trust list.",
    "credential_untrusted_signer": "The Content Credential is intact, but nobody we trust vouches for its signer.",
    "credential_invalid": "The Content Credential does not hold: changed after signing, damaged or expired.",
    "credential_elsewhere": "The file points to a Content Credential on another host, which was not fetched.",
    "credential_absent": "The file carries no Content Credential. That is not evidence of anything.",
    "file_issued_here": "This very file was issued here.",
    "file_changed_after_issue": "Its manifest was issued here with other bytes: the file was changed.",
    "mark_found": "The pixels carry our watermark.",
    "foreign_mark_found": "The pixels carry the mark that another generator puts into its pictures.",
    "mark_resolved": "The mark leads to an image in the ledger.",
    "mark_unknown_here": "The mark is genuine, but its image is not in this ledger.",
    "same_image": "The picture looks like the one issued with this mark; small edits are not excluded.",
    "different_image": "The picture is not the one issued with this mark: cropped, changed, or the mark copied.",
    "same_image_undecided": "The picture has too few features to tell whether it is the issued one.",
    "fingerprint_matched": "The picture looks like one that was issued here.",
    "metadata_declares_synthetic": "Unsigned metadata says that a generator made it.",
    "metadata_declares_composite": "Unsigned metadata says that parts of it are synthetic.",
    "metadata_declares_camera": "Unsigned metadata says that a camera made it.",
    "classifiers_synthetic": "The classifiers score it above the threshold for synthetic pictures.",
    "classifiers_camera": "The classifiers score it where few synthetic pictures lie.",
    "classifiers_undecided": "The classifiers cannot tell: the score lies between the thresholds.",
    "classifiers_void": "The classifiers were not measured on such pictures, so their score decides nothing.",
    "classifiers_unavailable": "The classifiers cannot be used; the text says why.",
    "member_not_counted": "A classifier you added was heard and does not count: `countermark benchmark --thresholds` "
    "measures what it is worth.",
    "encoder_missing": "Only the small network judged: `countermark models pull clip-vit-b16` adds the stronger part.",
}
"""Every reason code and what it means in plain words."""

CONFLICTS = {
    "mark_on_other_image": "The mark belongs to another picture.",
    "mark_is_not_the_credentials": "The credential names another mark than the pixels carry.",
    "camera_claimed_on_marked_image": "The file claims a camera, the pixels carry a generator's mark.",
    "camera_and_synthetic_claimed": "The file claims both a camera and a generator.",
    "camera_claimed_on_likely_synthetic": "The file claims a camera, the classifiers think that it is synthetic.",
    "ingredient_invalid": "A picture this one was made from had a broken credential.",
}
"""Every conflict code and what it means in plain words."""
