"""Does an adapter draw one and the same face? Pictures of "a person" with it and without it, and how alike they are.

A model without an identity draws another person from each seed; an adapter that learnt somebody draws that one. What is
counted is how many pairs of faces the face model calls one person, by its own threshold. It is told to the operator and
decides nothing. The pictures are looked at here and nowhere else.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from detectors import FaceModel, compare
from models import ModelError
from service.adapters.registry import Adapters, ResolvedAdapter
from service.generation import Backend, Job
from service.generation.adapter import Adapter
from service.kit.errors import AdapterRefused, NotFound, Unavailable
from service.likeness.schemas import Embedding

PROMPT = "a photo of a person, portrait, looking at the camera"


class Drawn(BaseModel):
    """What some pictures showed. `same`: of all pairs of faces, the share that the face model calls one person; None
    with fewer than two faces. `median`: the pairs' median distance."""

    model_config = ConfigDict(frozen=True)

    pictures: int
    faces: int
    same: float | None
    median: float | None


class AdapterAudit(BaseModel):
    """An adapter's pictures and those of the model alone. `near_samples`: the share of its faces that lie within the
    face model's threshold of a face of its samples; None without faces or samples."""

    model_config = ConfigDict(frozen=True)

    adapter: str
    digest: str
    model: str
    face_model: str
    threshold: float
    with_adapter: Drawn
    without: Drawn
    near_samples: float | None


def audit(
    name: str,
    adapters: Adapters,
    backend: Backend,
    faces: FaceModel,
    *,
    pictures: int,
    prompt: str = PROMPT,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
) -> AdapterAudit:
    """Draw `pictures` from seeds 0, 1, ... with the adapter and as many without, and compare the faces.

    Raises:
        NotFound: there is no such adapter.
        BadRequest: the pipeline takes no adapter of this kind.
        Unavailable: a picture could not be drawn, or its faces not be looked at.
    """
    chosen = _chosen(adapters, name)
    said = f"{prompt} {chosen.adapter.word}" if chosen.adapter.kind == "textual-inversion" else prompt
    jobs = [_job(backend, said, seed, worn) for worn in ((chosen.adapter,), ()) for seed in range(pictures)]
    found: list[Embedding | None] = []
    for done, job in enumerate(jobs, 1):
        found.append(_face(backend, faces, job))
        on_picture(done, len(jobs))
    with_it, without = ([face for face in half if face is not None] for half in (found[:pictures], found[pictures:]))
    return AdapterAudit(
        adapter=name,
        digest=chosen.adapter.digest,
        model=backend.identity.digest,
        face_model=faces.digest,
        threshold=faces.threshold,
        with_adapter=_told(pictures, with_it, faces.threshold),
        without=_told(pictures, without, faces.threshold),
        near_samples=_near_samples(with_it, chosen, faces),
    )


def _chosen(adapters: Adapters, name: str) -> ResolvedAdapter:
    try:
        (chosen,) = adapters.resolve([name])
    except AdapterRefused as unknown:
        raise NotFound("there is no such adapter", hint="See `countermark models adapters`.") from unknown
    return chosen


def _job(backend: Backend, prompt: str, seed: int, worn: tuple[Adapter, ...]) -> Job:
    width, height = backend.default_size
    job = Job(prompt, "", seed, width, height, backend.default_steps, backend.default_guidance, adapters=worn)
    backend.check(job)
    return job


def _face(backend: Backend, faces: FaceModel, job: Job) -> Embedding | None:
    """The embedding of the largest face of a picture that is drawn now and forgotten."""
    try:
        found = faces(backend.render(job, lambda done, total: None))
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    return max(found, key=lambda face: face.size).embedding if found else None


def _near_samples(found: Sequence[Embedding], chosen: ResolvedAdapter, faces: FaceModel) -> float | None:
    if not found or chosen.excluded is None or chosen.excluded.model != faces.digest:
        return None
    return round(sum(bool(chosen.excluded.faces.within(face, faces.threshold)) for face in found) / len(found), 4)


def _told(pictures: int, faces: Sequence[Embedding], threshold: float) -> Drawn:
    pairs = [compare(one, other) for one, other in itertools.combinations(faces, 2)]
    if not pairs:
        return Drawn(pictures=pictures, faces=len(faces), same=None, median=None)
    same = sum(distance <= threshold for distance in pairs) / len(pairs)
    median = round(float(np.median(pairs)), 4)
    return Drawn(pictures=pictures, faces=len(faces), same=round(same, 4), median=median)
