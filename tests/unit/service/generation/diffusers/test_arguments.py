"""What a call is given, by its signature alone: no pipeline is loaded."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from inspect import Parameter

import numpy as np
import pytest

from service.generation import Job
from service.generation.canvas import canvas
from service.generation.diffusers import arguments
from tests.support.painter import landscape

JOB = Job("a lake", "", 7, 128, 96, 2, 5.0)
WITHOUT = Job("a lake", "a car", 7, 128, 96, 2, 5.0)


def takes(function: object) -> arguments.Parameters:
    return inspect.signature(function).parameters  # type: ignore[arg-type]


PLAIN = takes(
    lambda prompt=None, negative_prompt=None, width=0, height=0, guidance_scale=7.5, callback_on_step_end=None: None
)
ONTO = takes(lambda prompt=None, image=None, strength=0.8: None)
INTO = takes(lambda prompt=None, image=None, mask_image=None, strength=1.0: None)
FLUX = takes(lambda prompt=None, negative_prompt=None, true_cfg_scale=1.0, guidance_scale=3.5: None)
QWEN = takes(lambda prompt=None, negative_prompt=None, true_cfg_scale=4.0, guidance_scale=None: None)
PIXART = takes(
    lambda prompt=None, width=0, height=0, guidance_scale=4.5, use_resolution_binning=True, callback_steps=1: None
)
BARE = takes(lambda prompt=None: None)


@pytest.mark.parametrize(
    ("call", "job", "expected"),
    [
        (PLAIN, JOB, {"guidance_scale": 5.0}),
        (PLAIN, WITHOUT, {"guidance_scale": 5.0}),
        (FLUX, JOB, {"guidance_scale": 5.0}),
        (FLUX, WITHOUT, {"true_cfg_scale": 5.0}),
        (QWEN, JOB, {"true_cfg_scale": 5.0}),
        (QWEN, WITHOUT, {"true_cfg_scale": 5.0}),
        (BARE, JOB, {}),
    ],
)
def test_guidance_has_another_name_in_each_family(
    call: Mapping[str, Parameter], job: Job, expected: dict[str, float]
) -> None:
    assert arguments.guidance(call, job) == expected


def test_an_empty_negative_prompt_is_the_pipelines_own_business_but_where_guidance_needs_one() -> None:
    assert arguments.prompts(PLAIN, [JOB], str) == {"prompt": "a lake"}
    assert arguments.prompts(PLAIN, [WITHOUT], str.upper) == {"prompt": "A LAKE", "negative_prompt": "A CAR"}
    assert arguments.prompts(FLUX, [JOB], str) == {"prompt": "a lake"}
    assert arguments.prompts(QWEN, [JOB], str) == {"prompt": "a lake", "negative_prompt": " "}
    assert arguments.prompts(PLAIN, [WITHOUT], str) == {"prompt": "a lake", "negative_prompt": "a car"}


def test_what_there_is_no_place_for() -> None:
    assert arguments.unsupported(PLAIN, WITHOUT) is None
    assert arguments.unsupported(BARE, JOB) is None
    assert "negative" in str(arguments.unsupported(BARE, WITHOUT))


def test_nothing_is_resampled() -> None:
    assert arguments.size(PLAIN, JOB) == {"width": 128, "height": 96}
    assert arguments.size(PIXART, JOB) == {"width": 128, "height": 96, "use_resolution_binning": False}
    assert arguments.size(ONTO, JOB) == {}


def test_a_picture_and_its_mask_go_where_there_is_a_place() -> None:
    mask = np.zeros((96, 128), np.bool_)
    mask[:48] = True
    onto = replace(JOB, canvas=canvas(landscape(1, 128, 96), mask, 0.5, (128, 96)))
    assert arguments.image(INTO, JOB) == {}
    assert set(arguments.image(ONTO, onto)) == {"image", "strength"}
    given = arguments.image(INTO, onto)
    assert np.array_equal(np.asarray(given["image"]), landscape(1, 128, 96))
    assert np.array_equal(np.asarray(given["mask_image"]) > 0, mask)
    assert given["strength"] == 0.5


def test_options_reach_the_calls_that_take_them() -> None:
    chosen = {"guidance_rescale": 0.5, "max_sequence_length": 64, "steps": 3}
    assert arguments.options(PLAIN, chosen) == {}
    longer = takes(lambda max_sequence_length=256: None)
    assert arguments.options(longer, chosen) == {"max_sequence_length": 64}


def test_each_kind_of_callback_counts_from_one_and_never_beyond_the_steps() -> None:
    told: list[tuple[int, int]] = []
    note = lambda done, total: told.append((done, total))  # noqa: E731
    newer = arguments.progress(PLAIN, JOB, note)["callback_on_step_end"]
    assert newer(None, 0, 999, {"latents": 1}) == {"latents": 1}
    older = arguments.progress(PIXART, JOB, note)["callback"]
    older(1, 0, None)
    older(2, 0, None)
    assert told == [(1, 2), (2, 2), (2, 2)]
    assert arguments.progress(BARE, JOB, note) == {}
