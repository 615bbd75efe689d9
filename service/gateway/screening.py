"""Everything that looks at pixels before they may pass: those that are drawn, and those that are sent in."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors import Finding
from service.gateway import policy
from service.kit.deadline import Running, within
from service.kit.errors import LikenessHeld, StageFailed, Unsafe
from service.likeness.checks import Likeness
from service.likeness.excluded_faces import ExcludedFaces
from service.media.pictures import Picture
from service.moderation.blocklist import Blocklist

T = TypeVar("T")


class Checker(Protocol):
    """Screens images. One Finding an image, in order; anything else is a failed check."""

    name: str

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> Sequence[Finding]: ...


Asked: TypeAlias = tuple[Checker, Running[list[Finding]]]
"""A checker, and the answer that it is on its way to."""


@dataclass(frozen=True, slots=True)
class ScreeningCriteria:
    """What an order is held to: the subjects it has grants of, the score from which it is refused, the distance up to
    which a face is held at least, the subjects for whom a person has looked at this very picture, and faces that must
    not come out: those of the samples of adapters that declare no identity."""

    granted: Collection[str]
    threshold: float
    review: float = 0.0
    reviewed: Collection[str] = ()
    excluded: Sequence[ExcludedFaces] = ()


class Screening:
    """The hash lists, the faces and the safety checkers, each with its deadline. All must pass; none is skipped."""

    def __init__(self, checkers: Sequence[Checker], blocklist: Blocklist, likeness: Likeness, timeout: float) -> None:
        """`timeout`: seconds for each check. Raises ValueError without checkers: an empty list passes everything."""
        if not checkers:
            raise ValueError("a gateway needs at least one safety checker")
        self.checkers = tuple(checkers)
        self._blocklist = blocklist
        self._likeness = likeness
        self._timeout = timeout

    def generated(self, rgb: NDArray[np.uint8], criteria: ScreeningCriteria) -> tuple[Finding, ...]:
        """The evidence on a drawn picture (uint8, H x W x 3) that may pass.

        Raises:
            Refusal: it may not, or a check did not answer as it must.
            ModelError, Error, TimeoutError: a check failed.
        """
        self._within(partial(self._blocklist.check_pixels, rgb))
        asked = self._ask(rgb)  # beside the faces; of a listed picture nobody is asked any more
        self._within(partial(self._likeness.check_excluded, rgb, criteria.excluded, criteria.review))
        look = partial(self._likeness.check_output, rgb, criteria.granted, criteria.review, criteria.reviewed)
        try:
            faces = self._within(look)
        except LikenessHeld:
            self._safe(asked, criteria.threshold, "the picture", "screen")  # held is only what is safe: it may be kept
            raise
        return (*self._safe(asked, criteria.threshold, "the picture", "screen"), *faces)

    def inputs(
        self, pictures: Sequence[Picture], used: Sequence[NDArray[np.uint8]], criteria: ScreeningCriteria
    ) -> None:
        """Let pictures in, if each face of theirs is, one against one, somebody's who granted it.

        Looked at are the files as they are, and what the model is shown of them (`used`): their middle, enlarged, may
        show a face that was too small for the face model in the file, or lost in its margins.

        Raises as `drawn`.
        """
        for picture in pictures:
            self._within(partial(self._blocklist.check_upload, picture.data, picture.rgb))
            self._shown(picture.rgb, criteria)
        for rgb in used:
            if not any(np.array_equal(rgb, picture.rgb) for picture in pictures):
                self._within(partial(self._blocklist.check_input, rgb))
                self._shown(rgb, criteria)

    def _shown(self, rgb: NDArray[np.uint8], criteria: ScreeningCriteria) -> None:
        asked = self._ask(rgb)
        self._within(partial(self._likeness.check_input, rgb, criteria.granted))
        self._safe(asked, criteria.threshold, "the picture that was sent in", "admit")

    def _ask(self, rgb: NDArray[np.uint8]) -> list[Asked]:
        return [(checker, Running(partial(_answer, checker, rgb))) for checker in self.checkers]

    def _safe(self, asked: Sequence[Asked], threshold: float, what: str, stage: str) -> list[Finding]:
        findings: list[Finding] = []
        for checker, running in asked:
            answer = running.result(self._timeout)
            if not policy.is_answer(answer, 1):
                raise StageFailed(f"stage {stage} failed: {checker.name} gave no usable answer", stage=stage)
            findings += answer
        if hits := policy.unsafe(findings, threshold):
            named = ", ".join(f"{hit.detector} {hit.label} {hit.score:.2f}" for hit in hits)
            raise Unsafe(f"the safety check refused {what} ({named})", stage=stage)
        return findings

    def _within(self, work: Callable[[], T]) -> T:
        return within(self._timeout, work)


def _answer(checker: Checker, rgb: NDArray[np.uint8]) -> list[Finding]:
    return list(checker([rgb]))
