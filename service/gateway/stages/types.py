"""The stages of a generation, as types: Admitted, Draft, Cleared, Marked, Signed, Proven, Released.

Each is sealed (see `service.gateway.stages.sealing`): the stage of the same name makes it, from the one before, and
nothing else can.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import Finding, Fingerprint
from service.access.client import Client
from service.adapters.registry import ResolvedAdapter
from service.gateway.edit_extent import EditExtent
from service.gateway.order import Order
from service.gateway.stages.earlier_marks import EarlierMark
from service.gateway.stages.sealing import SealedType
from service.generation import Energy, Job, ModelIdentity
from service.kit.deadline import Running
from service.likeness.schemas import Grant
from service.media.pictures import Mime, OutputFormat
from watermark.c2pa.manifest import InputSource
from watermark.c2pa.signing import Timestamp


@dataclass(frozen=True, slots=True)
class Review:
    """An operator's review of a held image: `subjects` it was reviewed for, `decisions`: their hashes in the chain."""

    subjects: frozenset[str]
    decisions: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Admitted(SealedType):
    """An order that may be generated, with its identities: `content_id` (urn:uuid) and `mark_id` (48 bits).

    `prompt_findings`: evidence about the prompt, not enough to refuse it. `inputs`: the input images, by digest.
    `order`: the same order with every default filled in. `review`: set if the image was generated and held before, and
    an operator has reviewed it.
    """

    job: Job
    format: OutputFormat
    model: ModelIdentity
    content_id: str
    mark_id: int
    created_at: dt.datetime
    warnings: tuple[str, ...]
    prompt_findings: tuple[Finding, ...]
    grants: tuple[Grant, ...]
    adapters: tuple[ResolvedAdapter, ...]
    safety_threshold: float
    client: Client
    order: Order
    inputs: tuple[InputSource, ...] = ()
    review: Review | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Draft(SealedType):
    """Generated pixels that nothing has checked yet: read-only uint8, height x width x 3. `steering`: see Job.

    `energy`: what this image and the unsafe ones before it took to generate; None if it was not measured. `edit`: what
    it changed of an input image; None without one.
    """

    admitted: Admitted
    rgb: NDArray[np.uint8]
    steering: int
    energy: Energy | None
    edit: EditExtent | None


@dataclass(frozen=True, slots=True, eq=False)
class Imprint:
    """A watermarked image as a file, not signed yet, with its fingerprint and what was read back from the file: the
    decoded pixels `rgb` (read-only uint8, height x width x 3) and the `confidence` of the mark in them (in (0, 1], see
    `watermark.Reading`). `label`: the text drawn into the image, if any. `earlier`: watermarks that it carried
    before. It is not a stage: only what is Marked gets signed."""

    data: bytes
    mime: Mime
    fingerprint: Fingerprint
    rgb: NDArray[np.uint8]
    confidence: float
    label: str = ""
    earlier: tuple[EarlierMark, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Cleared(SealedType):
    """The draft, after every check passed. `marking`: its watermarking, which started while the checks ran."""

    draft: Draft
    findings: tuple[Finding, ...]
    marking: Running[Imprint]


@dataclass(frozen=True, slots=True, eq=False)
class Marked(SealedType):
    """A cleared image with its watermark."""

    cleared: Cleared
    imprint: Imprint


@dataclass(frozen=True, slots=True, eq=False)
class Signed(SealedType):
    """The encoded file with its Content Credential, and the bytes of the manifest for the ledger.

    `timestamp`: whether the signature has a time-stamp of an authority.
    """

    marked: Marked
    data: bytes
    mime: Mime
    manifest: bytes
    timestamp: Timestamp = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Proven(SealedType):
    """A signed file that decodes to exactly the pixels in which the mark was read, and whose credential validates."""

    signed: Signed


@dataclass(frozen=True, slots=True, eq=False)
class Released(SealedType):
    """A file that may leave: it is recorded in the ledger. `sha256` is hex, `decision` the hash of the decision.

    `proof` shows that the decision is in the audit log (c2sp.org/tlog-proof, with the decision itself).
    """

    proven: Proven
    sha256: str
    decision: str
    proof: str

    @property
    def data(self) -> bytes:
        return self.proven.signed.data

    @property
    def mime(self) -> Mime:
        return self.proven.signed.mime

    @property
    def timestamp(self) -> Timestamp:
        """Whether the signature has a time-stamp of an authority."""
        return self.proven.signed.timestamp

    @property
    def admitted(self) -> Admitted:
        return self.proven.signed.marked.cleared.draft.admitted

    @property
    def steering(self) -> int:
        """How strongly the image was steered away from unsafe content; 0: not at all."""
        return self.proven.signed.marked.cleared.draft.steering

    @property
    def energy(self) -> Energy | None:
        """What it took to generate; None if it was not measured."""
        return self.proven.signed.marked.cleared.draft.energy

    @property
    def edit(self) -> EditExtent | None:
        """What it changed of an input image; None without one."""
        return self.proven.signed.marked.cleared.draft.edit

    @property
    def earlier_marks(self) -> tuple[EarlierMark, ...]:
        """Watermarks that it carried before."""
        return self.proven.signed.marked.imprint.earlier

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.proven.signed.marked.cleared.findings
