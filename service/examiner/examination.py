"""One file under examination: what several lanes need to know about it, each computed at most once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from detectors import Fingerprint, fingerprint
from detectors.declared.metadata import Metadata
from service.examiner.inference import Inferred
from service.examiner.resemblance import Comparison, Resemblance, compared
from service.kit.settings import Settings
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue, Ledger
from service.media.pictures import Picture
from watermark import Codec, Reading
from watermark.c2pa.credential import Credential
from watermark.c2pa.reader import CredentialReader

NO_METADATA = Metadata()


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
    the issued image that is shown; None if there is no issued image.
    """

    reading: Reading | None = None
    issue: Issue | None = None
    same_image: bool | None = None
    distance: int | None = None
    edit: IssuedEdit | None = None
    comparison: Comparison | None = None

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
        self, picture: Picture, sources: Sources, *, classify: bool = True, manifest: bytes | None = None
    ) -> None:
        """`classify`: the caller wants the classifiers' answer, which costs most of the time."""
        super().__init__(picture.data, picture.mime, sources, manifest, picture.metadata)
        self.picture = picture
        self.classify = classify

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """The image's perceptual hash."""
        return fingerprint(self.picture.rgb)

    @cached_property
    def trace(self) -> Trace:
        """Our watermark in the pixels, followed into the ledger."""
        reading = self._sources.codec.extract(self.picture.rgb)
        if reading is None:
            return Trace()
        issue = self._sources.ledger.by_mark(reading.mark_id)
        if issue is None:
            return Trace(reading)
        found = compared(self.picture.rgb, self.fingerprint, reading, issue)
        edit = self._sources.ledger.edit_of(issue.content_id)
        return Trace(reading, issue, found.same_image, found.distance, edit, found)
