"""The diffusers backend over tiny, randomly initialised pipelines of each supported layout."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diffusers import DiffusionPipeline

from models import ModelFault
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.generation import Job
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend
from service.generation.diffusers.schedulers import compatible_schedulers
from service.generation.model_options import ModelOptions
from service.generation.queue import Queue
from service.installation import Installation
from service.kit.errors import BadRequest, Cancelled, Misconfigured, StageFailed
from service.kit.settings import Settings
from tests.support import pipelines
from tests.support.gateway import Build
from tests.support.painter import ignore

JOB = Job("a lake", "", 7, 256, 256, 2, 5.0)


@pytest.fixture(scope="session", params=["stable_diffusion", "stable_diffusion_xl"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    result: Path = getattr(pipelines, request.param)(tmp_path_factory.mktemp(request.param) / "pipeline")
    return result


@pytest.fixture(scope="session")
def backend(folder: Path) -> DiffusersBackend:
    return load_backend(Settings(pipeline=str(folder), threads=1))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return pipelines.settings_of(tmp_path / "home")


def test_seeds_reproduce_bit_for_bit(backend: DiffusersBackend, folder: Path) -> None:
    again = load_backend(Settings(pipeline=str(folder), threads=1))
    first, second = backend.render(JOB, ignore), again.render(JOB, ignore)
    other = backend.render(Job("a lake", "", 8, 256, 256, 2, 5.0), ignore)
    assert first.dtype == np.uint8
    assert first.shape == (256, 256, 3)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_prompt_matters(backend: DiffusersBackend) -> None:
    other = Job("a fire", "", 7, 256, 256, 2, 5.0)
    assert not np.array_equal(backend.render(JOB, ignore), backend.render(other, ignore))


def test_steps_are_told(backend: DiffusersBackend) -> None:
    steps: list[tuple[int, int]] = []
    backend.render(JOB, lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_what_a_step_raises_stops_it_and_the_next_job_is_unharmed(backend: DiffusersBackend) -> None:
    expected = backend.render(JOB, ignore)

    def stop(done: int, total: int) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        backend.render(JOB, stop)
    assert np.array_equal(backend.render(JOB, ignore), expected)


@pytest.mark.parametrize("negative", ["", "fog"])
def test_a_batch_gives_the_same_pictures_but_for_rounding(backend: DiffusersBackend, negative: str) -> None:
    jobs = [Job(f"a lake {seed}", negative, seed, 256, 256, 2, 5.0) for seed in (7, 8, 9)]
    steps: list[tuple[int, int]] = []
    together = backend.render_batch(jobs, lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]
    for job, picture in zip(jobs, together, strict=True):
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(int) - backend.render(job, ignore)).max() <= 2


def test_a_queue_draws_alike_pictures_together_for_the_gateway(
    build: Build, backend: DiffusersBackend, installation: Installation
) -> None:
    queue = Queue(backend, length=4, max_wait=60, batch_size=2)
    calls: list[int] = []
    whole = backend.render_batch
    backend.render_batch = lambda jobs, on_step: calls.append(len(jobs)) or whole(jobs, on_step)  # type: ignore
    gateway = build(queue)
    try:
        with ThreadPoolExecutor(4) as callers:
            drawn = list(callers.map(gateway.release, [Order(prompt="a lake", seed=s, steps=2) for s in range(4)]))
    finally:
        del backend.render_batch
    assert [released.admitted.job.seed for released in drawn] == [0, 1, 2, 3]
    assert sum(calls) == 4
    assert max(calls) == 2


def test_defaults_come_from_the_pipeline(backend: DiffusersBackend) -> None:
    assert backend.default_size == (256, 256)
    assert backend.default_steps == 50
    assert backend.high_steps == 50
    assert backend.default_guidance in (7.5, 5.0)
    assert len(backend.identity.digest) == 64


def test_the_nearest_size_is_one_that_it_can_draw(backend: DiffusersBackend) -> None:
    assert backend.nearest_size(256, 512) == (256, 512)
    for size in ((100, 256), (256, 4096), (1, 300)):
        assert backend.check(Job("x", "", 1, *backend.nearest_size(*size), 2, 1.0)) == ()


@pytest.mark.parametrize("size", [(100, 256), (256, 4096), (4, 8)])
def test_sizes_it_cannot_draw(backend: DiffusersBackend, size: tuple[int, int]) -> None:
    if size == (4, 8):
        size = (257, 8)
    with pytest.raises(BadRequest, match="is not supported"):
        backend.check(Job("x", "", 1, *size, 2, 1.0))


def test_through_the_gateway(build: Build, backend: DiffusersBackend, installation: Installation) -> None:
    released = build(backend).release(Order(prompt="a lake", seed=7, steps=2))
    report = installation.examiner.examine(released.data)
    assert report.verdict == "issued_here"
    model = report.claimed.disclosures["c2pa.ai-disclosure"]["modelIdentifier"]
    assert backend.identity.digest in model


def test_cancelling_through_the_gateway(build: Build, backend: DiffusersBackend) -> None:
    seen: list[int] = []
    observer = ReleaseObserver(on_step=lambda done, total: seen.append(done), cancelled=lambda: len(seen) >= 1)
    with pytest.raises(Cancelled):
        build(backend).release(Order(prompt="a lake", seed=7, steps=20), observer)
    assert len(seen) == 1


def test_the_pipelines_own_checker_and_mark_are_left_out(backend: DiffusersBackend) -> None:
    assert getattr(backend._pipeline, "safety_checker", None) is None
    assert getattr(backend._pipeline, "watermark", None) is None


def test_numbers_that_are_not_finite_are_a_fault(build: Build, folder: Path, installation: Installation) -> None:
    broken = load_backend(Settings(pipeline=str(folder), threads=1))
    weight = next(iter(broken._pipeline.vae.decoder.parameters()))
    weight.data.fill_(float("nan"))
    with pytest.raises(ModelFault, match="finite"):
        broken.render(JOB, ignore)
    with pytest.raises(StageFailed) as caught:
        build(broken).release(Order(prompt="a lake", steps=2))
    assert caught.value.stage == "render"
    assert installation.ledger.verify().images == 0


class TestWhatIsNotLoaded:
    def load(self, folder: object, **more: Any) -> None:
        load_backend(Settings(pipeline=str(folder), threads=1, **more))

    def test_a_hub_id_is_loaded_from_where_it_was_fetched_to(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import diffusers

        asked: list[object] = []

        def fetch(name: str, **more: object) -> str:
            asked.append((name, more["use_safetensors"]))
            return str(folder)

        monkeypatch.setattr(diffusers.DiffusionPipeline, "download", fetch)
        self.load("someone/some-model", allow_hub=True)
        assert asked == [("someone/some-model", True)]

    def test_weights_that_are_pickles(self, folder: Path, tmp_path: Path) -> None:
        import shutil

        copy = shutil.copytree(folder, tmp_path / "copy")
        for weights in copy.rglob("*.safetensors"):
            weights.rename(weights.with_suffix(".bin"))
        with pytest.raises(Misconfigured, match="cannot be loaded"):
            self.load(copy)


def test_steering_changes_the_picture_and_leaves_the_pipeline_as_it_was(backend: DiffusersBackend) -> None:
    plain = backend.render(JOB, ignore)
    steered = [backend.render(replace(JOB, steering=strength), ignore) for strength in (1, 2, 3)]
    assert all(not np.array_equal(plain, picture) for picture in steered)
    assert np.array_equal(backend.render(JOB, ignore), plain)
    assert np.array_equal(backend.render(replace(JOB, steering=3), ignore), steered[2])


def test_a_scheduler_serves_one_picture_and_leaves_no_trace(backend: DiffusersBackend) -> None:
    plain = backend.render(JOB, ignore)
    own = backend._pipeline.scheduler
    others = [name for name in compatible_schedulers(backend._pipeline) if name != "ddim"]
    assert others == ["euler", "euler_a", "heun", "dpmpp_2m", "deis", "unipc"]
    for name in others:
        drawn = backend.render(replace(JOB, options=ModelOptions(scheduler=name)), ignore)
        assert not np.array_equal(drawn, plain), name
        assert np.array_equal(drawn, backend.render(replace(JOB, options=ModelOptions(scheduler=name)), ignore)), name
        assert backend._pipeline.scheduler is own
        assert np.array_equal(backend.render(JOB, ignore), plain), name
    assert np.array_equal(backend.render(replace(JOB, options=ModelOptions(scheduler="ddim")), ignore), plain)


def test_a_scheduler_of_another_kind_of_model_is_refused(build: Build, backend: DiffusersBackend) -> None:
    with pytest.raises(BadRequest, match="scheduler flow_euler") as refused:
        build(backend).release(Order(prompt="a lake", scheduler="flow_euler"))
    assert "dpmpp_2m" in refused.value.hint


def test_parts_are_told_while_they_load(folder: Path) -> None:
    told: list[tuple[int, int, str]] = []
    load_backend(Settings(pipeline=str(folder), threads=1), lambda *step: told.append(step))
    assert [done for done, _, _ in told] == list(range(len(told)))
    assert {total for _, total, _ in told} == {len(told)}
    assert {"unet", "vae", "text_encoder"} <= {part for _, _, part in told}


def test_without_guidance_there_is_nothing_to_steer(backend: DiffusersBackend) -> None:
    with pytest.raises(ModelFault, match="guidance"):
        backend.render(replace(JOB, guidance=1.0, steering=1), ignore)
    assert backend.render(JOB, ignore).shape == (256, 256, 3)


def test_words_it_does_not_know_are_warned_of(backend: DiffusersBackend, folder: Path) -> None:
    told = DiffusersBackend(backend._pipeline, backend.identity, folder, {"words": ["a", "lake"]})
    assert told.check(JOB) == ()
    assert told.check(replace(JOB, prompt="a xylophone")) == ("words the model does not know: xylophone",)


@pytest.mark.parametrize("how", ["model", "sequential"])
def test_offload_is_left_to_diffusers_and_needs_a_device(
    folder: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Misconfigured, match="needs an accelerator"):
        load_backend(Settings(pipeline=str(folder), offload=how))
    asked: list[object] = []
    name = f"enable_{how}_cpu_offload"
    monkeypatch.setattr(DiffusionPipeline, name, lambda self, device: asked.append(device))
    load_backend(Settings(pipeline=str(folder), offload=how, device="cuda:0"))
    assert asked == ["cuda:0"]


def test_a_device_that_is_not_there_is_a_wrong_setting(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="nonsense"):
        load_backend(Settings(pipeline=str(folder), device="nonsense"))
