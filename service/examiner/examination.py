"""One image under examination: what several lanes need to know about it, each computed at most once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from detectors import Fingerprint, distance, fingerprint
from service.examiner import policy
from service.examiner.inference import Inferred
from service.kit.settings import Settings
from service.ledger.ledger import Issue, Ledger
from service.media.pictures import Picture
from watermark import Codec, Reading
from watermark.c2pa.credentials import Credential, Credentials


@dataclass(frozen=True, slots=True)
class Sources:
    """What an installation offers its lanes. `infer` runs the classifiers and may raise Unavailable, Misconfigured.

    `prove`: the proof that the decision to issue an image, by its content id, is in the audit log; None without one.
    """

    settings: Settings
    codec: Codec
    credentials: Credentials
    ledger: Ledger
    infer: Callable[[Picture], Inferred]
    prove: Callable[[str], str | None] = lambda content_id: None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where our watermark leads: the reading, the ledger's row, and how the image compares with the issued one.

    `same_image`: None if it cannot be told. `distance`: PDQ Hamming distance, 0 to 256.
    """

    reading: Reading | None = None
    issue: Issue | None = None
    same_image: bool | None = None
    distance: int | None = None


class Examination:
    """One decoded image and the evidence that lanes share. Used by one thread.

    Every property may raise Unavailable: the ledger does not answer.
    """

    def __init__(self, picture: Picture, sources: Sources, *, classify: bool = True) -> None:
        """`classify`: the caller wants the classifiers' answer, which costs most of the time."""
        self.picture = picture
        self.classify = classify
        self._sources = sources

    @cached_property
    def credential(self) -> Credential:
        """The file's own C2PA credential."""
        return self._sources.credentials.read(self.picture.data, self.picture.mime)

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """The image's perceptual hash."""
        return fingerprint(self.picture.rgb)

    @cached_property
    def issued_file(self) -> Issue | None:
        """The image that was issued as exactly this file."""
        return self._sources.ledger.by_sha256(self.picture.sha256)

    @cached_property
    def trace(self) -> Trace:
        """Our watermark in the pixels, followed into the ledger."""
        reading = self._sources.codec.extract(self.picture.rgb)
        if reading is None:
            return Trace()
        issue = self._sources.ledger.by_mark(reading.mark_id)
        if issue is None:
            return Trace(reading)
        same = policy.same_image(self.fingerprint, issue.fingerprint, issue.fingerprint_quality)
        return Trace(reading, issue, same, distance(self.fingerprint.bits, issue.fingerprint))
