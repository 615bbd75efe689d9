"""Whether an adapter draws one face, told by numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models import ModelFault
from service.adapters.audit import audit
from service.adapters.registry import AdapterCard
from service.generation import Job, OnStep
from service.generation.adapter_files import read_adapter
from service.installation import Installation
from service.kit.errors import NotFound, Unavailable
from tests.support.adapters import any_lora, listed
from tests.support.painter import Painter
from tests.support.people import ANN, BOB, MODEL, ByColour, likeness, portrait

OTHERS = [(250, 250, 0), (0, 250, 0), (0, 250, 250), (250, 0, 250)]


class Model(Painter):
    """Draws Ann with an adapter, and without it somebody else from each seed."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        self.jobs.append(job)
        return portrait(ANN if job.adapters else OTHERS[job.seed], job.width)


def test_one_face_from_every_seed_is_told(installation: Installation, tmp_path: Path) -> None:
    card = listed(installation, tmp_path / "style.safetensors")
    model, seen = Model(), []
    told = audit("style", installation.adapters, model, ByColour(), pictures=4, on_picture=lambda *n: seen.append(n))
    assert (told.with_adapter.faces, told.with_adapter.same, told.with_adapter.median) == (4, 1.0, 0.0)
    assert (told.without.faces, told.without.same) == (4, 0.0)
    assert (told.digest, told.face_model, told.near_samples) == (card.digest, MODEL, None)
    assert [job.seed for job in model.jobs] == [0, 1, 2, 3] * 2
    assert [bool(job.adapters) for job in model.jobs] == [True] * 4 + [False] * 4
    assert seen[-1] == (8, 8)


@pytest.mark.parametrize(("sample", "near"), [(ANN, 1.0), (BOB, 0.0)])
def test_faces_of_its_samples_are_told(
    installation: Installation, tmp_path: Path, sample: tuple[int, int, int], near: float
) -> None:
    file = read_adapter(any_lora(tmp_path / "style.safetensors"))
    samples = installation.adapters.seal("style", file.digest, 1, MODEL, [likeness(sample)])
    card = AdapterCard(name="style", kind=file.kind, digest=file.digest, size=file.size, samples=samples)
    installation.adapters.add(file, card)
    assert audit("style", installation.adapters, Model(), ByColour(), pictures=2).near_samples == near


def test_pictures_without_faces_tell_nothing(installation: Installation, tmp_path: Path) -> None:
    class Landscapes(Model):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            return np.full((job.height, job.width, 3), 128, np.uint8)

    listed(installation, tmp_path / "style.safetensors")
    told = audit("style", installation.adapters, Landscapes(), ByColour(), pictures=2)
    assert (told.with_adapter.faces, told.with_adapter.same, told.near_samples) == (0, None, None)


def test_what_cannot_be_drawn_or_found_is_said(installation: Installation, tmp_path: Path) -> None:
    class Broken(Model):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            raise ModelFault("adapter style does not fit this model")

    with pytest.raises(NotFound):
        audit("style", installation.adapters, Model(), ByColour(), pictures=2)
    listed(installation, tmp_path / "style.safetensors")
    with pytest.raises(Unavailable, match="does not fit"):
        audit("style", installation.adapters, Broken(), ByColour(), pictures=2)
