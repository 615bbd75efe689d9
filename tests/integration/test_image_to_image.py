"""Drawing on a picture, by tiny untrained pipelines of each family and by the embedded model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.generation import Job, loading
from service.generation.adapter import Adapter
from service.generation.canvas import canvas
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend
from service.generation.folders import file_digest
from service.generation.model_options import ModelOptions
from service.kit.errors import BadRequest
from service.kit.settings import Settings
from tests.support import adapters, families, pipelines
from tests.support.painter import ignore, landscape

SIDE = 128
BOTH = {
    "stable_diffusion": pipelines.stable_diffusion,
    "stable_diffusion_xl": pipelines.stable_diffusion_xl,
    "stable_diffusion_3": families.stable_diffusion_3,
    "flux": families.flux,
    "qwen_image": families.qwen_image,
    "z_image": families.z_image,
}
NEITHER = {"pixart_sigma": families.pixart_sigma, "sana": families.sana}
BEFORE = landscape(1, SIDE, SIDE)


def loaded(pipeline: str) -> DiffusersBackend:
    return load_backend(Settings(pipeline=pipeline, threads=1))


def job(strength: float | None = None, mask: NDArray[np.bool_] | None = None, side: int = SIDE, **changes: Any) -> Job:
    onto = canvas(landscape(1, side, side), mask, strength, (side, side))
    return replace(Job("a lake", "", 7, side, side, 4, 5.0, canvas=onto), **changes)


def right_half(side: int = SIDE) -> NDArray[np.bool_]:
    mask = np.zeros((side, side), np.bool_)
    mask[:, side // 2 :] = True
    return mask


@pytest.fixture(scope="module", params=BOTH)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    return loaded(str(BOTH[request.param](tmp_path_factory.mktemp(request.param) / "pipeline")))


def test_the_picture_the_strength_the_prompt_and_the_seed_matter(backend: DiffusersBackend) -> None:
    first = backend.render(job(0.5), ignore)
    assert first.shape == (SIDE, SIDE, 3)
    others = [
        job(1.0),
        job(0.5, prompt="a fire"),
        job(0.5, seed=8),
        replace(job(0.5), canvas=canvas(landscape(2, SIDE, SIDE), None, 0.5, (SIDE, SIDE))),
    ]
    for other in others:
        assert not np.array_equal(first, backend.render(other, ignore))
    assert np.array_equal(first, backend.render(job(0.5), ignore))


def test_outside_the_mask_not_a_pixel_changes(backend: DiffusersBackend) -> None:
    assert backend.check(job(mask=right_half())) == ()
    after = backend.render(job(mask=right_half()), ignore)
    assert np.array_equal(after[:, : SIDE // 2], BEFORE[:, : SIDE // 2])
    assert not np.array_equal(after[:, SIDE // 2 :], BEFORE[:, SIDE // 2 :])


def test_only_the_steps_that_are_done_are_told(backend: DiffusersBackend) -> None:
    steps: list[tuple[int, int]] = []
    backend.render(job(0.5), lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_drawing_on_a_picture_leaves_no_trace_in_the_next_job(backend: DiffusersBackend) -> None:
    plain = Job("a lake", "", 7, SIDE, SIDE, 2, 5.0)
    first = backend.render(plain, ignore)
    backend.render(job(0.5), ignore)
    backend.render(job(mask=right_half()), ignore)
    assert np.array_equal(first, backend.render(plain, ignore))


def test_a_change_of_no_step_is_refused(backend: DiffusersBackend) -> None:
    with pytest.raises(BadRequest, match="below one step"):
        backend.check(job(0.1))


@pytest.mark.parametrize("size", [(4000, 3000), (100, 300), (64, 64)])
def test_a_picture_is_fitted_to_the_models_area(backend: DiffusersBackend, size: tuple[int, int]) -> None:
    width, height = backend.fitting(*size)
    own = backend.default_size[0] * backend.default_size[1]
    assert backend.check(replace(job(), width=width, height=height)) == ()
    assert width / height == pytest.approx(size[0] / size[1], rel=0.15)
    assert width * height == pytest.approx(own, rel=0.15)


def test_who_asks_while_another_picture_is_drawn_changes_nothing(tmp_path: Path) -> None:
    """That picture has another scheduler and a word more, and its pipeline's parts are swapped for as long."""
    folder = pipelines.stable_diffusion(tmp_path / "pipeline")
    before = loaded(str(folder)).render(job(0.5), ignore)
    backend = loaded(str(folder))
    path = adapters.word(tmp_path / "word.safetensors")
    learnt = Adapter("style", "textual-inversion", file_digest(path), path)

    def ask(done: int, total: int) -> None:
        for mask in (None, right_half()) if done else ():  # once it is drawn
            backend.check(job(0.5, mask, options=ModelOptions(scheduler="heun")))

    other = Job(
        "a <style> lake", "", 7, SIDE, SIDE, 2, 5.0, options=ModelOptions(scheduler="euler_a"), adapters=(learnt,)
    )
    backend.render(other, ask)
    assert np.array_equal(backend.render(job(0.5), ignore), before)
    words = len(backend._pipeline.tokenizer)
    assert [len(pipeline.tokenizer) for pipeline in backend._edit_pipelines.values() if pipeline] == [words, words]


@pytest.mark.parametrize("family", NEITHER)
def test_a_family_that_cannot_says_so(family: str, tmp_path: Path) -> None:
    backend = loaded(str(NEITHER[family](tmp_path / "pipeline")))
    for mask in (None, right_half()):
        with pytest.raises(BadRequest, match=r"cannot edit an image|cannot edit a masked area"):
            backend.check(job(mask=mask))


def test_the_embedded_model_draws_on_and_into_a_picture() -> None:
    backend = loading.load_backend(Settings(threads=1))
    side = backend.default_size[0]
    assert backend.fitting(1234, 567) == (side, side)
    before = landscape(1, side, side)
    into = job(mask=right_half(side), side=side, prompt="a red car in the snow", guidance=4.0)
    assert backend.check(into) == ()
    after = backend.render(into, ignore)
    assert np.array_equal(after, backend.render(into, ignore))
    assert np.array_equal(after[:, : side // 2], before[:, : side // 2])
    seam = np.abs(after[:, side // 2].astype(int) - before[:, side // 2]).mean()
    elsewhere = np.abs(
        backend.render(replace(into, canvas=None), ignore)[:, side // 2].astype(int) - before[:, side // 2]
    )
    assert seam < elsewhere.mean()  # what is drawn joins what is there
