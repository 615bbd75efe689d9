"""The credential that was issued with this image, found again through its watermark or its look.

It is shown whatever credential the file carries by now: a stranger's may have taken its place, or a link elsewhere.
"""

from collections.abc import Iterator
from typing import Self

from service.examiner.codes import ReasonCode, Topic, holding
from service.examiner.examination import Examination, Sources
from service.examiner.lanes.claimed.section import Recovered
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import SAME_IMAGE_DISTANCE, same_image
from service.ledger.ledger import Issue, Ledger
from watermark.c2pa.credential import Credential
from watermark.c2pa.reader import CredentialReader


class RecoveredReason(ReasonCode):
    BESIDE = (
        "issued_credential_beside",
        Topic.CREDENTIAL,
        "The ledger holds another credential, which was issued with this image or its watermark.",
    )


class RecoveredLane(Lane[Recovered | None]):
    """The ledger's own credential of the image."""

    field = "claimed.recovered"
    reasons = RecoveredReason

    def __init__(self, credentials: CredentialReader, ledger: Ledger) -> None:
        self._credentials = credentials
        self._ledger = ledger

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls(sources.credentials, sources.ledger)

    def find(self, examination: Examination) -> Finding[Recovered | None]:
        return finding(examination.credential, self._recovered(examination))

    @staticmethod
    def lines(section: Recovered | None) -> Iterator[str]:
        if section is None:
            return
        whose = "this image" if section.same_image else "its watermark, on an image of another look"
        yield f"issued here with {whose}: {section.manifest_id} ({section.content_id})"

    def _recovered(self, examination: Examination) -> Recovered | None:
        if examination.issued_file is not None:  # it carries the credential itself
            return None
        issue, trace = examination.trace.issue, examination.trace
        if issue is not None:
            return self._stored(examination, issue, Recovered.of(issue, "watermark", trace.same_image))
        alike = self._alike(examination)
        return self._stored(examination, alike, Recovered.of(alike, "fingerprint", True)) if alike else None

    def _alike(self, examination: Examination) -> Issue | None:
        look = examination.fingerprint
        near = self._ledger.similar(look.bits, SAME_IMAGE_DISTANCE)
        return next((one for one, _ in near if same_image(look, one.fingerprint, one.fingerprint_quality)), None)

    def _stored(self, examination: Examination, issue: Issue, recovered: Recovered) -> Recovered | None:
        """Only if everything in it but the hash of the issued file is valid, and the file does not carry it."""
        if recovered.manifest_id is None or recovered.manifest_id == examination.credential.manifest_id:
            return None
        picture = examination.picture
        stored = self._credentials.read(picture.data, picture.mime, issue.manifest)
        return recovered if stored.only_bytes_differ else None


def finding(credential: Credential, recovered: Recovered | None) -> Finding[Recovered | None]:
    """What was found again. It weighs nothing: the watermark does."""
    beside = recovered is not None and credential.state != "absent"
    return Finding(recovered, reasons=holding({RecoveredReason.BESIDE: beside}))
