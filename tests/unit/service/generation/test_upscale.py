from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation import Job
from service.generation.model_options import ModelOptions
from service.generation.upscale import MAX_FACTOR, Upscaling
from service.kit.errors import BadRequest
from tests.support.painter import Painter, ignore

JOB = Job("a lake", "", 7, 512, 512, 4, 1.0, options=ModelOptions(upscale="lanczos"))
BACKEND = Upscaling(Painter())


@given(st.sampled_from([264, 384, 500, 512, 1024]))
def test_the_picture_gets_the_size_that_was_asked_for(side: int) -> None:
    job = replace(JOB, width=side, height=side)
    (warning,) = BACKEND.check(job)
    assert warning == "generated at 256x256 px and upscaled (lanczos)"
    drawn = BACKEND.render(job, ignore)
    assert drawn.shape == (side, side, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, BACKEND.render(job, ignore))


def test_it_is_the_models_own_picture() -> None:
    small = Painter().render(replace(JOB, width=256, height=256, options=ModelOptions()), ignore)
    large = BACKEND.render(JOB, ignore)
    back = large.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    assert np.abs(back - small).mean() < 2


@pytest.mark.parametrize(
    "size", [(256, 256), (128, 128), (512, 256), (512, 504), (256 * MAX_FACTOR + 8, 256 * MAX_FACTOR + 8)]
)
def test_other_shapes_and_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadRequest, match="cannot be upscaled"):
        BACKEND.check(replace(JOB, width=size[0], height=size[1]))


def test_nothing_is_enlarged_that_was_not_asked_for() -> None:
    job = replace(JOB, options=ModelOptions())
    assert BACKEND.check(job) == ()
    assert np.array_equal(BACKEND.render(job, ignore), Painter().render(job, ignore))
    with pytest.raises(BadRequest, match="multiples"):
        BACKEND.check(replace(job, width=100))


def test_the_rest_is_the_backends_own() -> None:
    for name in ("identity", "default_size", "default_steps", "high_steps", "default_guidance", "most_steering"):
        assert getattr(BACKEND, name) == getattr(Painter(), name)
