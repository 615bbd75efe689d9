from dataclasses import replace

import numpy as np
import pytest

from service.generation import Backend, Job
from service.generation.backend import Batching
from service.generation.canvas import canvas
from tests.support.painter import Painter, landscape

JOB = Job("a lake", "", 7, 64, 64, 20, 5.0)


def test_an_image_from_text_takes_every_step() -> None:
    assert JOB.done_steps == 20


@pytest.mark.parametrize(("strength", "steps"), [(1.0, 20), (0.5, 10), (0.01, 0)])
def test_an_edit_runs_the_steps_that_its_strength_leaves(strength: float, steps: int) -> None:
    edited = canvas(landscape(1, 64, 64), None, strength, (64, 64))
    assert replace(JOB, canvas=edited).done_steps == steps


def test_only_a_backend_that_can_is_asked_for_several_images_at_once() -> None:
    class Together(Painter):
        def render_batch(self, jobs: list[Job], on_step: object) -> list[np.ndarray]:
            return []

    plain: Backend = Painter()
    assert not isinstance(plain, Batching)
    assert isinstance(Together(), Batching)
