"""One file under examination: what several lanes need to know about it, each computed at most once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from detectors import Fingerprint, fingerprint
from detectors.declared.metadata import Metadata
from service.examiner.inference import Inferred
from service.examiner.known_marks import KnownTrace, candidates_for, known_traces
from service.examiner.policy import SAME_IMAGE_DISTANCE
from service.examiner.resemblance import Comparison, Resemblance, compared
from service.kit.settings import Settings
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue, Ledger
from service.media.pictures import Picture
from watermark import Codec, Effort, Presence, Reading
from watermark.c2pa.credential import Credential
from watermark.c2pa.reader import CredentialReader

NO_METADATA = Metadata()
_WORTH_A_SEARCH = 0.01
"""p-value of the template up to which a thorough search is worth its time: one unmarked image in a hundred pays it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an installation offers its lanes. `infer` runs the classifiers and may raise Unavailable, Misconfigured.

    `prove`: the proof that the decision to issue an image, by its content id, is in the audit log; None without one.
    """

    settings: Settings
    codec: Codec
    credentials: CredentialReader
    ledger: Ledger
    infer: Callable[[Picture], Inferred]
    prove: Callable[[str], str | None] = lambda content_id: None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where our watermark leads: the reading, the ledger's row, and how the image compares with the issued one.

    `edit`: what the issued image changed of an input image; None if it was generated from a prompt.
    `same_image`: None if it cannot be told. `distance`: PDQ Hamming distance, 0 to 256. `comparison`: with the part of
    the issued image that is shown; None if there is no issued image. `others`: of further marks that were read. If none
    was read: `presence`, how clearly the template of our marks is heard, and `known`, what is left of the marks of
    issued images that look like this one.
    """

    reading: Reading | None = None
    issue: Issue | None = None
    same_image: bool | None = None
    distance: int | None = None
    edit: IssuedEdit | None = None
    comparison: Comparison | None = None
    others: "tuple[Trace, ...]" = ()
    presence: Presence | None = None
    known: tuple[KnownTrace, ...] = ()

    @property
    def moved(self) -> bool:
        """The image is clearly another one than the watermark was issued on."""
        return self.comparison is not None and self.comparison.resemblance is Resemblance.OTHER

    @property
    def part(self) -> bool:
        """The image is a part of the issued one, or the whole of it turned or edited."""
        return self.comparison is not None and self.comparison.resemblance is Resemblance.PART


class FileExamination:
    """One file of any type, whose pixels may not be known, and the evidence in it that lanes share. Used by one thread.

    Every property may raise Unavailable: the ledger does not answer.
    """

    def __init__(
        self,
        data: bytes,
        mime: str,
        sources: Sources,
        manifest: bytes | None = None,
        metadata: Metadata = NO_METADATA,
    ) -> None:
        """`manifest`: a credential that came beside the file (a sidecar), read in place of an embedded one."""
        self.metadata = metadata
        self.data = data
        self.mime = mime
        self._sources = sources
        self._manifest = manifest

    @cached_property
    def sha256(self) -> str:
        """Of the file, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def credential(self) -> Credential:
        """The file's C2PA credential."""
        return self._sources.credentials.read(self.data, self.mime, self._manifest)

    @cached_property
    def issued_file(self) -> Issue | None:
        """The image that was issued as exactly this file."""
        return self._sources.ledger.by_sha256(self.sha256)


class Examination(FileExamination):
    """One decoded image and the evidence that lanes share."""

    def __init__(
        self,
        picture: Picture,
        sources: Sources,
        *,
        classify: bool = True,
        manifest: bytes | None = None,
        effort: Effort = Effort.USUAL,
    ) -> None:
        """`classify`: the caller wants the classifiers' answer, which costs most of the time. `effort`: how long to
        look for our watermark, unless there is a reason to look longer."""
        super().__init__(picture.data, picture.mime, sources, manifest, picture.metadata)
        self.picture = picture
        self.classify = classify
        self.effort = effort

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """The image's perceptual hash."""
        return fingerprint(self.picture.rgb)

    @cached_property
    def trace(self) -> Trace:
        """Our watermark in the pixels, followed into the ledger."""
        sources, rgb = self._sources, self.picture.rgb
        found = sources.codec.read(rgb, self.effort)
        if not found.readings:
            candidates = candidates_for(self.fingerprint, sources.ledger)
            alike = [issue for issue, _ in candidates]
            known, presence = known_traces(rgb, self.fingerprint, alike, sources.codec, sources.ledger), found.presence
            heard = presence is not None and presence.p_value <= _WORTH_A_SEARCH
            bent = any(distance > SAME_IMAGE_DISTANCE for _, distance in candidates)  # it may not lie as it was issued
            if self.effort is Effort.USUAL and not known and (heard or bent):
                found = sources.codec.read(rgb, Effort.THOROUGH)
            if not found.readings:
                return Trace(presence=presence, known=known)
        first, *others = sorted(map(self._followed, found.readings), key=_nearness)
        return replace(first, others=tuple(others))

    def _followed(self, reading: Reading) -> Trace:
        """Where one mark leads."""
        sources, rgb = self._sources, self.picture.rgb
        issue = sources.ledger.by_mark(reading.mark_id)
        if issue is None:
            return Trace(reading)
        shown = compared(rgb, self.fingerprint, reading, issue)
        edit = sources.ledger.edit_of(issue.content_id)
        return Trace(reading, issue, shown.same_image, shown.distance, edit, shown)


def _nearness(trace: Trace) -> int:
    """The order of several marks: the one whose image this is most like decides. Unknown images come last."""
    return 257 if trace.distance is None else trace.distance
