"""Whose face is in this picture, and did they allow it?

Searched are the protected subjects, every template, exactly: an approximate miss would be a silent bypass. A face
whose nearest subject is covered by a grant passes. What the face model does not find is not checked: profiles, small
and turned faces (models/cards/dlib-faces.md).
"""

import threading
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import Face, FaceModel, Finding
from service.access.client import OPERATOR, Client
from service.kit.errors import LikenessHeld, LikenessRefused, Misconfigured
from service.likeness import policy
from service.likeness.excluded_faces import ExcludedFaces
from service.likeness.registry import Consent
from service.likeness.schemas import Grant, Scope

RGB = NDArray[np.uint8]
_FURTHEST = 1.0  # a distance of 1 and more is a score of 0


class Likeness:
    """Checks pictures against the registry. Thread-safe; the face model is opened when there is somebody to find."""

    def __init__(
        self, consent: Consent, open_model: Callable[[], FaceModel], review_distance: float | None, grantee: str
    ) -> None:
        """Up to `review_distance` a face is held for a person to decide (None: as the model's card says).

        `grantee`: who the operator is in grants.
        """
        self._consent = consent
        self._open_model = open_model
        self._review = review_distance
        self._grantee = grantee
        self._model: FaceModel | None = None
        self._lock = threading.Lock()

    @property
    def consent(self) -> Consent:
        return self._consent

    @property
    def model(self) -> FaceModel:
        """The face model, opened at the first need. Raises whatever `open_model` raises."""
        return self._opened()

    def permitted(self, grants: Sequence[str], scope: Scope, client: Client = OPERATOR) -> tuple[Grant, ...]:
        """The named grants, if they all allow this to who asks. Raises LikenessRefused."""
        return tuple(self._consent.grants.permitted(grants, scope, client.name or self._grantee))

    def names(self, grants: Sequence[Grant]) -> list[str]:
        """The names of those who gave these grants, as they were enrolled. Raises NotFound where one is erased."""
        return [self._consent.subjects.name(grant.subject) for grant in grants]

    def check_output(
        self, rgb: RGB, granted: Collection[str], at_least: float = 0.0, reviewed: Collection[str] = ()
    ) -> tuple[Finding, ...]:
        """Evidence on every face of somebody who granted it, if no other protected face refuses the picture.

        Args:
            rgb: the picture (uint8, H x W x 3).
            granted: the subjects whose likeness is allowed here.
            at_least: hold faces up to this distance, however small the review distance is.
            reviewed: the subjects for whom a person has looked at this very picture; it is not held for them again.

        Raises:
            LikenessRefused: it shows a protected subject nobody allowed.
            LikenessHeld: it may show one or more, and surely none.
            ModelError, Misconfigured: the faces cannot be compared; the picture must not pass.
        """
        if not self._consent.faces.anybody():
            return ()
        model = self._opened()
        if strangers := self._consent.faces.other_models(model.digest):
            raise Misconfigured(
                f"{strangers} face templates are by another model than {model.identity}", hint="Enrol them again."
            )
        known = self._consent.faces.protected(model.digest)
        limits = self._limits(model, at_least)
        findings: list[Finding] = []
        held: list[str] = []
        for face in model(rgb):
            matches = known.templates.within(face.embedding, limits.furthest)
            near = {known.owners[m.index]: m.distance for m in reversed(matches)}  # nearest last: it stays
            decided = policy.likeness(near, granted, limits)
            if decided.refused:
                raise LikenessRefused("the picture shows a protected person", stage="screen", subject=decided.refused)
            if decided.held and decided.held not in (*reviewed, *held):
                held.append(decided.held)
            findings += [_finding(model, who, distance) for who, distance in near.items() if who in granted]
        if held:
            raise LikenessHeld("the picture may show a protected person", stage="screen", subjects=held)
        return tuple(findings)

    def check_excluded(self, rgb: RGB, excluded: Sequence[ExcludedFaces], at_least: float = 0.0) -> None:
        """Nobody of the samples is in a picture drawn with an adapter that was said to hold no identity.

        Raises:
            LikenessRefused: somebody is.
            LikenessHeld: somebody may be.
            ModelError, Misconfigured: the faces cannot be compared; the picture must not pass.
        """
        if not excluded:
            return
        model = self._opened()
        limits = self._limits(model, at_least)
        faces = model(rgb)
        for one in excluded:
            if one.model != model.digest:
                raise Misconfigured(
                    f"the faces of adapter {one.adapter} are by another model than {model.identity}",
                    hint="Add the adapter again.",
                )
            near = [m.distance for face in faces for m in one.faces.within(face.embedding, limits.furthest)]
            if not near:
                continue
            if min(near) <= limits.refuse:
                raise LikenessRefused("the picture shows somebody of an adapter's samples", stage="screen")
            raise LikenessHeld("the picture may show somebody of an adapter's samples", stage="screen")

    def _limits(self, model: FaceModel, at_least: float) -> policy.LikenessLimits:
        review = max(at_least, model.review_distance if self._review is None else self._review)
        return policy.LikenessLimits(refuse=model.strict_threshold, review=review)

    def check_input(self, rgb: RGB, granted: Collection[str]) -> int:
        """How many faces a picture sent in shows, if each of them is, one against one, a subject's who granted it.

        Whoever is in it need not be enrolled to be protected here: without a grant no face passes.

        Raises:
            LikenessRefused: a face belongs to none of them.
            ModelError, NotFound, Unavailable: the faces cannot be compared; the picture must not pass.
        """
        count, strangers = self.uncovered(rgb, granted)
        if strangers:
            raise LikenessRefused(
                f"{len(strangers)} of the {count} faces in the picture sent in belong to nobody who allowed it",
                stage="admit",
            )
        return count

    def uncovered(self, rgb: RGB, granted: Collection[str]) -> tuple[int, list[Face]]:
        """How many faces a picture shows, and those that, one against one, belong to none of the subjects.

        Raises ModelError, NotFound.
        """
        model = self._opened()
        of = [self._consent.faces.templates_of(subject, model.digest) for subject in granted]
        faces = model(rgb)
        return len(faces), [f for f in faces if not any(known.within(f.embedding, model.threshold) for known in of)]

    def _opened(self) -> FaceModel:
        with self._lock:
            if self._model is None:
                self._model = self._open_model()
            return self._model


def _finding(model: FaceModel, subject: str, distance: float) -> Finding:
    return Finding("likeness", subject, max(0.0, 1 - distance / _FURTHEST), model.identity, model.digest)
