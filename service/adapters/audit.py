"""Does an adapter always generate the same face? Images of "a person" with it and without it, and how alike they are.

A model without an identity generates a different person from each seed; an adapter that learnt somebody generates that
person. The audit counts the pairs of faces that the face model considers one person, by its own threshold. It informs
the operator and decides nothing. The images are not kept.
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


class FaceStatistics(BaseModel):
    """The faces on a set of images. `same` is the share of all pairs of faces that the face model considers one person,
    None with fewer than two faces; `median` is the median distance of the pairs."""

    model_config = ConfigDict(frozen=True)

    pictures: int
    faces: int
    same: float | None
    median: float | None


class AdapterAudit(BaseModel):
    """The images with an adapter, and those of the model alone. `near_samples` is the share of the adapter's faces
    that are within the face model's threshold of a face of its samples; None without faces or samples."""

    model_config = ConfigDict(frozen=True)

    adapter: str
    digest: str
    model: str
    face_model: str
    threshold: float
    with_adapter: FaceStatistics
    without: FaceStatistics
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
    """Generate `pictures` images from seeds 0, 1, ... with the adapter and as many without, and compare the faces.

    Raises:
        NotFound: there is no such adapter.
        BadRequest: the pipeline does not support this kind of adapter.
        Unavailable: an image could not be generated, or the face model failed.
    """
    resolved = _resolve(adapters, name)
    text = f"{prompt} {resolved.adapter.word}" if resolved.adapter.kind == "textual-inversion" else prompt
    jobs = [_job(backend, text, seed, loaded) for loaded in ((resolved.adapter,), ()) for seed in range(pictures)]
    found: list[Embedding | None] = []
    for done, job in enumerate(jobs, 1):
        found.append(_face(backend, faces, job))
        on_picture(done, len(jobs))
    with_it, without = ([face for face in half if face is not None] for half in (found[:pictures], found[pictures:]))
    return AdapterAudit(
        adapter=name,
        digest=resolved.adapter.digest,
        model=backend.identity.digest,
        face_model=faces.digest,
        threshold=faces.threshold,
        with_adapter=_statistics(pictures, with_it, faces.threshold),
        without=_statistics(pictures, without, faces.threshold),
        near_samples=_near_samples(with_it, resolved, faces),
    )


def _resolve(adapters: Adapters, name: str) -> ResolvedAdapter:
    try:
        (resolved,) = adapters.resolve([name])
    except AdapterRefused as unknown:
        raise NotFound("there is no such adapter", hint="See `countermark models adapters`.") from unknown
    return resolved


def _job(backend: Backend, prompt: str, seed: int, loaded: tuple[Adapter, ...]) -> Job:
    width, height = backend.default_size
    job = Job(prompt, "", seed, width, height, backend.default_steps, backend.default_guidance, adapters=loaded)
    backend.check(job)
    return job


def _face(backend: Backend, faces: FaceModel, job: Job) -> Embedding | None:
    """The embedding of the largest face on an image, which is generated here and not kept."""
    try:
        found = faces(backend.render(job, lambda done, total: None))
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    return max(found, key=lambda face: face.size).embedding if found else None


def _near_samples(found: Sequence[Embedding], resolved: ResolvedAdapter, faces: FaceModel) -> float | None:
    if not found or resolved.excluded is None or resolved.excluded.model != faces.digest:
        return None
    return round(sum(bool(resolved.excluded.faces.within(face, faces.threshold)) for face in found) / len(found), 4)


def _statistics(pictures: int, faces: Sequence[Embedding], threshold: float) -> FaceStatistics:
    pairs = [compare(one, other) for one, other in itertools.combinations(faces, 2)]
    if not pairs:
        return FaceStatistics(pictures=pictures, faces=len(faces), same=None, median=None)
    same = sum(distance <= threshold for distance in pairs) / len(pairs)
    median = round(float(np.median(pairs)), 4)
    return FaceStatistics(pictures=pictures, faces=len(faces), same=round(same, 4), median=median)
