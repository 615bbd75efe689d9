"""Whose face is in this image, and did they consent?

The search covers every template of every protected subject exactly: an approximate index could silently miss one. A
face passes if its nearest subject is covered by a grant. Faces are searched at all four quarter turns of the image,
unless an earlier turn already refuses it. Faces the model does not find (profiles, small faces; see
models/cards/dlib-faces.md) are not checked.
"""

import threading
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import Face, FaceModel, Finding, at_all_turns, by_turn, merged
from service.access.client import OPERATOR, Client
from service.kit.errors import FaceModelChanged, LikenessHeld, LikenessRefused
from service.likeness import policy
from service.likeness.excluded_faces import ExcludedFaces
from service.likeness.registry import Consent
from service.likeness.schemas import Grant, Scope
from service.likeness.template_index import TemplateIndex

RGB = NDArray[np.uint8]
LIKENESS = "likeness"
"""The detector of findings about faces; their label is the subject."""

_NO_LIKENESS = 1 / 0.55  # a face as far as this times the threshold scores 0; with dlib that is a distance of 1


class Likeness:
    """Checks images against the registry. Thread-safe. The face model is loaded once somebody is enrolled."""

    def __init__(
        self, consent: Consent, open_model: Callable[[], FaceModel], review_distance: float | None, grantee: str
    ) -> None:
        """`review_distance`: faces up to this distance are held for human review (None: the model's default).

        `grantee`: the operator's name in grants.
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
        """The face model, loaded at first use. Raises whatever `open_model` raises."""
        return self._opened()

    def permitted(self, grants: Sequence[str], scope: Scope, client: Client = OPERATOR) -> tuple[Grant, ...]:
        """The named grants, if all of them permit `scope` to `client`. Raises LikenessRefused."""
        return tuple(self._consent.grants.permitted(grants, scope, client.name or self._grantee))

    def names(self, grants: Sequence[Grant]) -> list[str]:
        """The enrolled names of the people who gave these grants. Raises NotFound if one was erased."""
        return [self._consent.subjects.name(grant.subject) for grant in grants]

    def check_output(
        self, rgb: RGB, granted: Collection[str], at_least: float = 0.0, reviewed: Collection[str] = ()
    ) -> tuple[Finding, ...]:
        """Check a generated image, and return one Finding per face of a subject who granted consent.

        Args:
            rgb: the image (uint8, H x W x 3).
            granted: the subjects whose likeness is permitted.
            at_least: hold faces up to this distance even if the review distance is smaller.
            reviewed: subjects for whom a human has already reviewed this image; it is not held for them again.

        Raises:
            LikenessRefused: the image shows a protected subject without a grant.
            LikenessHeld: it may show protected subjects, but certainly shows none.
            ModelError, FaceModelChanged: the faces cannot be compared; the image must not pass.
        """
        if not self._consent.faces.anybody():
            return ()
        model = self._opened()
        if outdated := self._consent.faces.without(model.digest):
            raise _changed(len(outdated), model)
        known = self._consent.faces.protected(model.digest)
        limits = self._limits(model, at_least)
        faces: list[Face] = []
        for found in by_turn(model, rgb):
            for face in found:
                refused = policy.likeness(_near(known, face, limits), granted, limits).refused
                if refused:
                    raise LikenessRefused("the image shows a protected person", stage="screen", subject=refused)
            faces += found
        distances = [_near(known, face, limits) for face in merged(faces)]
        held = dict.fromkeys(policy.likeness(near, granted, limits).held for near in distances)
        if waiting := [who for who in held if who and who not in reviewed]:
            raise LikenessHeld("the image may show a protected person", stage="screen", subjects=waiting)
        return tuple(
            _finding(model, who, distance) for near in distances for who, distance in near.items() if who in granted
        )

    def check_excluded(self, rgb: RGB, excluded: Sequence[ExcludedFaces], at_least: float = 0.0) -> None:
        """Check that an image made with adapters declared to hold no identity shows nobody from their samples.

        Raises:
            LikenessRefused: it shows somebody from the samples.
            LikenessHeld: it may show somebody from the samples.
            ModelError, FaceModelChanged: the faces cannot be compared; the image must not pass.
        """
        if not excluded:
            return
        model = self._opened()
        limits = self._limits(model, at_least)
        faces = at_all_turns(model, rgb)
        for one in excluded:
            if one.model != model.digest:
                raise FaceModelChanged(
                    f"the faces of adapter {one.adapter} are from a different model than {model.identity}",
                    hint="Add the adapter again with the current face model.",
                )
            near = [m.distance for face in faces for m in one.faces.within(face.embedding, limits.furthest)]
            if not near:
                continue
            if min(near) <= limits.refuse:
                raise LikenessRefused("the image shows somebody from an adapter's samples", stage="screen")
            raise LikenessHeld("the image may show somebody from an adapter's samples", stage="screen")

    def outdated(self) -> list[str]:
        """The protected subjects who must be enrolled again, because the face model in use is not theirs.

        Raises whatever `open_model` raises; Unavailable.
        """
        return self._consent.faces.without(self._opened().digest)

    def warning(self) -> str | None:
        """A warning if people must be enrolled again. It opens no model; before one is opened, nothing is compared."""
        model = self._model
        outdated = self._consent.faces.without(model.digest) if model else []
        return _changed(len(outdated), model).message if model and outdated else None

    def _limits(self, model: FaceModel, at_least: float) -> policy.LikenessLimits:
        review = max(at_least, model.review_distance if self._review is None else self._review)
        return policy.LikenessLimits(refuse=model.strict_threshold, review=review)

    def check_input(self, rgb: RGB, granted: Collection[str]) -> int:
        """Check an input image: every face must match (one to one) a subject who granted consent.

        People are protected here even if they are not enrolled: without a grant no face passes, so the search ends at
        the first turn of the image that shows one.

        Returns:
            The number of faces.

        Raises:
            LikenessRefused: a face belongs to none of the `granted` subjects.
            ModelError, NotFound, FaceModelChanged, Unavailable: the faces cannot be compared; the image must not pass.
        """
        model = self._opened()
        faces = at_all_turns(model, rgb) if granted else next(filter(None, by_turn(model, rgb)), [])
        uncovered = self._uncovered(model, faces, granted)
        count = len(faces)
        if uncovered:
            raise LikenessRefused(
                f"{len(uncovered)} of {count} faces in the input image are not covered by a grant",
                stage="admit",
            )
        return count

    def uncovered(self, rgb: RGB, granted: Collection[str]) -> tuple[int, list[Face]]:
        """The number of faces in an image, and the faces that match (one to one) none of the `granted` subjects.

        Raises ModelError, NotFound, FaceModelChanged.
        """
        model = self._opened()
        faces = at_all_turns(model, rgb)
        return len(faces), self._uncovered(model, faces, granted)

    def _uncovered(self, model: FaceModel, faces: Sequence[Face], granted: Collection[str]) -> list[Face]:
        templates = [self._consent.faces.templates_of(subject, model.digest) for subject in granted]
        if faces and (outdated := sum(not len(known) for known in templates)):
            raise _changed(outdated, model)
        return [face for face in faces if not any(known.within(face.embedding, model.threshold) for known in templates)]

    def _opened(self) -> FaceModel:
        with self._lock:
            if self._model is None:
                self._model = self._open_model()
            return self._model


def _changed(people: int, model: FaceModel) -> FaceModelChanged:
    count = "1 person was" if people == 1 else f"{people} people were"
    return FaceModelChanged(f"{count} enrolled with a different face model than {model.identity}")


def _near(known: TemplateIndex, face: Face, limits: policy.LikenessLimits) -> dict[str, float]:
    """The distance of each subject within the limits."""
    matches = known.templates.within(face.embedding, limits.furthest)
    return {known.owners[match.index]: match.distance for match in reversed(matches)}  # the nearest of each wins


def _finding(model: FaceModel, subject: str, distance: float) -> Finding:
    return Finding(
        LIKENESS, subject, max(0.0, 1 - distance / (_NO_LIKENESS * model.threshold)), model.identity, model.digest
    )
