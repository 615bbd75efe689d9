"""The examiner: a file's bytes become a Report. It decides nothing itself; `policy` weighs what is found here."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors import Declaration, Fingerprint, declarations, distance, fingerprint
from service.examiner import policy
from service.examiner.report import (
    REASONS,
    Asset,
    Claimed,
    ClaimedAction,
    ClaimedIngredient,
    Declared,
    Inferred,
    Issued,
    Matched,
    Reason,
    Recovered,
    Report,
    WatermarkReading,
)
from service.kit.clock import stamp
from service.kit.errors import Misconfigured, Unavailable
from service.ledger.ledger import Issue, Ledger
from service.media.heatmaps import enlarged
from service.media.pictures import ImageLimits, Picture, decode
from watermark import Codec, Reading
from watermark.c2pa.credentials import Credential, Credentials
from watermark.foreign.protocol import ForeignCodec, ForeignReading

log = structlog.get_logger()
_COVERED = 0.5
"""Share of the mark's strength from which a place of the picture counts as still carrying it."""


@dataclass(frozen=True, slots=True)
class _Trace:
    """Where a mark led: the reading, the ledger's row, and how the picture compares with the issued one."""

    reading: Reading | None = None
    issue: Issue | None = None
    same_image: bool | None = None
    distance: int | None = None


class Examiner:
    """Reads files against one ledger, one watermark key and one set of trust lists. Thread-safe; no torch."""

    def __init__(
        self,
        codec: Codec,
        credentials: Credentials,
        ledger: Ledger,
        limits: ImageLimits,
        infer: Callable[[Picture], Inferred],
        foreign: Sequence[ForeignCodec] = (),
    ) -> None:
        """`infer` asks the classifiers; it may raise Unavailable, and then the report says so. `foreign`: readers of
        other people's marks."""
        self._foreign = foreign
        self._infer = infer
        self._codec = codec
        self._credentials = credentials
        self._ledger = ledger
        self._limits = limits

    def examine(self, data: bytes, name: str = "-", *, classify: bool = True) -> Report:
        """Everything known about a file; `name` only labels the report. The classifiers cost most of the time.

        Raises:
            InputError: the bytes are no picture that can be read (see `pictures.decode`).
            Unavailable: the ledger does not answer; a report without it would be a false one.
        """
        picture = decode(data, self._limits)
        credential = self._credentials.read(picture.data, picture.mime)
        declared = tuple(declarations(picture.metadata))
        own_file = self._ledger.by_sha256(picture.sha256)
        look = fingerprint(picture.rgb)
        trace = self._trace(picture, look)
        foreign = [mark for codec in self._foreign for mark in _foreign_marks(codec, picture)]
        matches = self._matches(look)
        inferred = self._inferred(picture) if classify else Inferred(state="not_asked")
        evidence = policy.Evidence(
            credential=credential,
            declarations=declared,
            mark_id=trace.reading.mark_id if trace.reading else None,
            record_known=trace.issue is not None,
            same_image=trace.same_image,
            file_known=own_file is not None,
            manifest_known=self._issued_manifest(credential),
            foreign_synthetic=any(mark.synthetic for mark in foreign),
            matched=bool(matches),
            inferred=policy.Verdict(inferred.verdict) if inferred.verdict else None,
        )
        judgement = policy.judge(evidence)
        return Report(
            file=name,
            asset=_asset(picture),
            verdict=judgement.verdict,
            outcome=policy.outcome(evidence),
            claimed=self._claimed(picture, credential, declared, trace),
            marked=[_marked(trace), *foreign],
            matched=matches,
            inferred=inferred,
            conflicts=list(judgement.conflicts),
            reasons=[Reason(code=code, text=REASONS[code]) for code in judgement.reasons],
        )

    def mark_map(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
        """The picture (uint8[H, W, 3]) and how much of our mark is left at each place of it (float32[H, W] in 0..1).

        NaN where nobody looked: see `Reading.coverage`. None where there is no mark. Raises InputError as `examine`.
        """
        picture = decode(data, self._limits)
        reading = self._codec.extract(picture.rgb)
        return None if reading is None else (picture.rgb, enlarged(reading.coverage, picture.rgb.shape[:2]))

    def _inferred(self, picture: Picture) -> Inferred:
        try:
            return self._infer(picture)
        except (Unavailable, Misconfigured) as missing:
            reason = Reason(code="classifiers_unavailable", text=missing.message)
            return Inferred(state="not_available", reasons=[reason])

    def _trace(self, picture: Picture, look: Fingerprint) -> _Trace:
        reading = self._codec.extract(picture.rgb)
        if reading is None:
            return _Trace()
        issue = self._ledger.by_mark(reading.mark_id)
        if issue is None:
            return _Trace(reading)
        same = policy.same_image(look, issue.fingerprint, issue.fingerprint_quality)
        return _Trace(reading, issue, same, distance(look.bits, issue.fingerprint))

    def _matches(self, look: Fingerprint) -> list[Matched]:
        found = self._ledger.similar(look.bits, policy.SAME_IMAGE_DISTANCE)
        return [
            Matched(issued=_issued(issue), distance=far)
            for issue, far in found
            if policy.same_image(look, issue.fingerprint, issue.fingerprint_quality)
        ]

    def _issued_manifest(self, credential: Credential) -> bool:
        """The manifest is one that we issued, whatever file it stands in now."""
        content_id = credential.title
        issue = self._ledger.by_content_id(content_id) if content_id else None
        return issue is not None and (credential.manifest_id or "").encode() in issue.manifest

    def _claimed(
        self, picture: Picture, credential: Credential, declared: tuple[Declaration, ...], trace: _Trace
    ) -> Claimed:
        """The file's own credential; where it has none and is the issued picture, the stored one."""
        recovered = None
        if credential.state == "absent" and trace.issue and trace.same_image:
            kept = self._credentials.read(picture.data, picture.mime, trace.issue.manifest)
            if kept.only_bytes_differ:  # of the stored manifest everything holds but the hash of the lost file
                credential = kept
                recovered = Recovered(
                    content_id=trace.issue.content_id,
                    manifest_base64=base64.b64encode(trace.issue.manifest).decode(),
                )
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
            declarations=[Declared(source=d.source, origin=d.origin, value=d.value) for d in declared],
        )


def _asset(picture: Picture) -> Asset:
    width, height = picture.size
    return Asset(sha256=picture.sha256, mime=picture.mime, bytes=len(picture.data), width=width, height=height)


def _issued(issue: Issue) -> Issued:
    return Issued(
        content_id=issue.content_id, created_at=stamp(issue.created_at), model=issue.model, sha256=issue.sha256
    )


def _marked(trace: _Trace) -> WatermarkReading:
    if trace.reading is None:
        return WatermarkReading(codec=Codec.ALGORITHM, present=False)
    return WatermarkReading(
        codec=Codec.ALGORITHM,
        present=True,
        mark_id=f"{trace.reading.mark_id:012x}",
        confidence=trace.reading.confidence,
        issued=_issued(trace.issue) if trace.issue else None,
        same_image=trace.same_image,
        distance=trace.distance,
        coverage=_covered(trace.reading.coverage),
    )


def _covered(cells: NDArray[np.float32]) -> float:
    """The share of `cells` (float32[h, w]) that still carry the mark, of those that were looked at: the others are NaN.

    At least one always was: the mark was found there.
    """
    return float(np.mean(cells[~np.isnan(cells)] >= _COVERED))


def _foreign_marks(codec: ForeignCodec, picture: Picture) -> list[WatermarkReading]:
    """What one of the plugged-in codecs says. One that fails says so and does not keep the rest from the report."""
    try:
        found = [_foreign_mark(codec.name, reading) for reading in codec.read(picture.rgb)]
    except Exception as failed:  # noqa: BLE001 - an operator's own code, and whatever it answers
        # What it says may hold paths or parts of the picture: that is for the operator's eyes.
        log.error("codec_failed", codec=codec.name, error=repr(failed))
        return [WatermarkReading(codec=codec.name, present=False, note=f"This codec failed: {type(failed).__name__}")]
    return found or [WatermarkReading(codec=codec.name, present=False)]


def _foreign_mark(codec: str, reading: ForeignReading) -> WatermarkReading:
    """`reading` as the report has it.

    Raises ValueError, AttributeError or TypeError where it is not a reading: `WatermarkReading` checks the types, not
    the range.
    """
    if not 0 < reading.confidence <= 1:  # NaN neither
        raise ValueError(f"a confidence of {reading.confidence} is not above 0 and at most 1")
    return WatermarkReading(
        codec=codec,
        present=True,
        name=reading.name,
        payload=reading.payload,
        confidence=reading.confidence,
        synthetic=reading.synthetic,
    )
