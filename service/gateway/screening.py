"""Every check of pixels: of generated images before they leave, and of input images before they are used."""

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
    """Scores images for unsafe content. One Finding an image, in order; anything else is a failed check."""

    name: str

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> Sequence[Finding]: ...


PendingCheck: TypeAlias = tuple[Checker, Running[list[Finding]]]
"""A checker, and its answer once it is done."""


@dataclass(frozen=True, slots=True)
class ScreeningCriteria:
    """What an order is judged by.

    `granted`: subjects whose likeness it may show. `threshold`: safety score from which it is refused. `review`: face
    distance up to which it is held at least. `reviewed`: subjects that an operator has reviewed this image for.
    `excluded`: faces from the samples of adapters that declare no identity; they must not appear.
    """

    granted: Collection[str]
    threshold: float
    review: float = 0.0
    reviewed: Collection[str] = ()
    excluded: Sequence[ExcludedFaces] = ()


class Screening:
    """Hash lists, faces and safety checkers, each with a time limit. All must pass; none is skipped."""

    def __init__(self, checkers: Sequence[Checker], blocklist: Blocklist, likeness: Likeness, timeout: float) -> None:
        """`timeout`: seconds a check. Raises ValueError without checkers: an empty list would pass everything."""
        if not checkers:
            raise ValueError("a gateway needs at least one safety checker")
        self.checkers = tuple(checkers)
        self._blocklist = blocklist
        self._likeness = likeness
        self._timeout = timeout

    def generated(self, rgb: NDArray[np.uint8], criteria: ScreeningCriteria) -> tuple[Finding, ...]:
        """The evidence on a generated image (uint8, H x W x 3) that passes.

        Raises:
            Refusal: it does not pass, or a check gave no usable answer.
            ModelError, Error, TimeoutError: a check failed.
        """
        self._within(partial(self._blocklist.check_pixels, rgb))
        pending = self._start(rgb)  # runs beside the face checks; a listed image costs no model run
        self._within(partial(self._likeness.check_excluded, rgb, criteria.excluded, criteria.review))
        check_faces = partial(self._likeness.check_output, rgb, criteria.granted, criteria.review, criteria.reviewed)
        try:
            faces = self._within(check_faces)
        except LikenessHeld:
            self._safe(pending, criteria.threshold, "the image", "screen")  # only a safe image may be held
            raise
        return (*self._safe(pending, criteria.threshold, "the image", "screen"), *faces)

    def inputs(
        self, pictures: Sequence[Picture], used: Sequence[NDArray[np.uint8]], criteria: ScreeningCriteria
    ) -> None:
        """Accept input images if every face in them matches, one to one, a subject who granted it.

        Both the files and the pixels that the model gets (`used`) are checked: their enlarged middle may show a face
        that was too small for the face model in the file, or lost in its margins.

        Raises as `generated`.
        """
        for picture in pictures:
            self._within(partial(self._blocklist.check_upload, picture.data, picture.rgb))
            self._check_input(picture.rgb, criteria)
        for rgb in used:
            if not any(np.array_equal(rgb, picture.rgb) for picture in pictures):
                self._within(partial(self._blocklist.check_input, rgb))
                self._check_input(rgb, criteria)

    def _check_input(self, rgb: NDArray[np.uint8], criteria: ScreeningCriteria) -> None:
        pending = self._start(rgb)
        self._within(partial(self._likeness.check_input, rgb, criteria.granted))
        self._safe(pending, criteria.threshold, "the input image", "admit")

    def _start(self, rgb: NDArray[np.uint8]) -> list[PendingCheck]:
        return [(checker, Running(partial(_answer, checker, rgb))) for checker in self.checkers]

    def _safe(self, pending: Sequence[PendingCheck], threshold: float, what: str, stage: str) -> list[Finding]:
        findings: list[Finding] = []
        for checker, running in pending:
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
