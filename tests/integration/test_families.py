"""The diffusers backend over tiny, randomly initialised pipelines of the families that draw with a transformer."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.generation import Job
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend
from service.installation import Installation
from service.kit.errors import BadRequest, Cancelled, Misconfigured
from service.kit.settings import Settings
from tests.support import families, pipelines
from tests.support.gateway import Build
from tests.support.painter import ignore

JOB = Job("a lake", "", 7, 128, 128, 2, 5.0)
FAMILIES = {  # own size, steps, guidance
    "stable_diffusion_3": ((256, 256), 28, 7.0),
    "flux": ((1024, 1024), 28, 3.5),
    "pixart_sigma": ((256, 256), 20, 4.5),
    "sana": ((256, 256), 20, 4.5),
    "qwen_image": ((1024, 1024), 50, 4.0),
    "z_image": ((1024, 1024), 50, 5.0),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def backend(family: str, tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    folder = getattr(families, family)(tmp_path_factory.mktemp(family) / "pipeline")
    return load_backend(Settings(pipeline=str(folder), threads=1))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return pipelines.settings_of(tmp_path / "home")


def test_defaults_come_from_the_family(backend: DiffusersBackend, family: str) -> None:
    assert (backend.default_size, backend.default_steps, backend.default_guidance) == FAMILIES[family]
    assert backend.most_steering == 0


def test_everything_in_the_job_matters_and_the_seed_reproduces(backend: DiffusersBackend) -> None:
    first = backend.render(JOB, ignore)
    changes = ({"prompt": "a fire"}, {"negative_prompt": "a car"}, {"guidance": 2.0}, {"seed": 8}, {"steps": 3})
    for change in changes:
        assert not np.array_equal(first, backend.render(replace(JOB, **change), ignore)), change
    assert np.array_equal(first, backend.render(JOB, ignore))
    assert first.dtype == np.uint8
    assert first.shape == (128, 128, 3)


def test_steps_are_told_and_stop_the_drawing(backend: DiffusersBackend) -> None:
    steps: list[tuple[int, int]] = []
    backend.render(JOB, lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyError("stop")

    with pytest.raises(KeyError):
        backend.render(JOB, stop)


def test_sizes_are_multiples_of_what_the_family_packs(backend: DiffusersBackend, family: str) -> None:
    assert backend.check(replace(JOB, width=160, height=96)) == ()
    assert backend.render(replace(JOB, width=160, height=96), ignore).shape == (96, 160, 3)
    with pytest.raises(BadRequest, match="is not supported"):
        backend.check(replace(JOB, width=130))


def test_through_the_gateway(build: Build, backend: DiffusersBackend, installation: Installation) -> None:
    gateway = build(backend)
    released = gateway.release(Order(prompt="a lake", seed=7, steps=2, width=256, height=256))
    assert installation.examiner.examine(released.data).verdict == "issued_here"
    observer = ReleaseObserver(cancelled=lambda: True)
    with pytest.raises(Cancelled):
        gateway.release(Order(prompt="a lake", steps=2, width=256, height=256), observer)


def test_a_negative_prompt_without_guidance_is_warned_of(backend: DiffusersBackend) -> None:
    (warning,) = backend.check(replace(JOB, negative_prompt="a car", guidance=1.0))
    assert "no effect" in warning


def test_a_prompt_that_is_cut_off_is_warned_of(backend: DiffusersBackend, family: str) -> None:
    limit = {"stable_diffusion_3": 256, "flux": 512, "qwen_image": 512, "z_image": 512}.get(family, 300)
    assert backend.check(replace(JOB, prompt="x" * 200)) == ()
    (warning,) = backend.check(replace(JOB, prompt="x" * 2000))
    assert warning == f"the prompt is too long: the model reads only its first {limit} tokens"
    (warning,) = backend.check(replace(JOB, negative_prompt="x" * 2000))
    assert warning.startswith("the negative prompt is too long")


def test_a_flux_without_guidance_says_so(tmp_path: Path) -> None:
    folder = families.flux(tmp_path / "pipeline", guided=False)
    schnell = load_backend(Settings(pipeline=str(folder), threads=1))
    assert schnell.check(replace(JOB, guidance=schnell.default_guidance)) == ()
    assert schnell.check(replace(JOB, guidance=7.0)) == ("guidance has no effect on this model",)
    assert schnell.check(replace(JOB, guidance=7.0, negative_prompt="a car")) == ()
    drawn = [schnell.render(replace(JOB, guidance=guidance), ignore) for guidance in (2.0, 7.0)]
    assert np.array_equal(drawn[0], drawn[1])


# What is not loaded.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pipelines.stable_diffusion(tmp_path / "pipeline")


def refused(folder: Path, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        load_backend(Settings(pipeline=str(folder), threads=1))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_weights_with_a_hole_in_them(folder: Path, part: str) -> None:
    (path,) = (folder / part).glob("*.safetensors")
    weights = load_file(path)
    gone = sorted(weights)[0]
    save_file({name: value for name, value in weights.items() if name != gone}, path, metadata={"format": "pt"})
    refused(folder, f"incomplete: missing keys: {gone}")


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_weights_of_another_shape(folder: Path, part: str) -> None:
    (path,) = (folder / part).glob("*.safetensors")
    weights = load_file(path)
    name = next(name for name, value in sorted(weights.items()) if value.ndim > 1)
    save_file({**weights, name: weights[name][:1].clone()}, path, metadata={"format": "pt"})
    refused(folder, "incomplete|cannot be loaded")


def test_weights_under_the_names_that_were_published_are_complete(folder: Path) -> None:
    """Older libraries called the autoencoder's attention `query` and began the text encoder's names otherwise."""
    older = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    vae, text = (next((folder / part).glob("*.safetensors")) for part in ("vae", "text_encoder"))
    weights = load_file(vae)
    for new, old in older.items():
        weights = {name.replace(new, old): value for name, value in weights.items()}
    save_file(weights, vae, metadata={"format": "pt"})
    named = {f"text_model.{name.removeprefix('text_model.')}": value for name, value in load_file(text).items()}
    save_file(named, text, metadata={"format": "pt"})
    assert load_backend(Settings(pipeline=str(folder), threads=1)).default_size == (256, 256)


INDEXES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "a class of nobody's": (lambda v: {**v, "unet": ["own_module", "OwnUNet"]}, "own_module.OwnUNet is not"),
    "a part of torch": (lambda v: {**v, "unet": ["torch", "load"]}, "torch.load is not a loadable class"),
    "a function": (lambda v: {**v, "unet": ["diffusers", "logging"]}, "is not a loadable class"),
    "control images": (lambda v: {**v, "_class_name": "StableDiffusionControlNetPipeline"}, "text alone"),
    "several stages": (lambda v: {**v, "_class_name": "KandinskyV22CombinedPipeline"}, "text alone"),
    "from image to image": (lambda v: {**v, "_class_name": "StableDiffusionImg2ImgPipeline"}, "no such text-to-image"),
}


@pytest.mark.parametrize("case", INDEXES)
def test_indexes_that_are_not_followed(folder: Path, case: str) -> None:
    change, said = INDEXES[case]
    index = folder / "model_index.json"
    index.write_text(json.dumps(change(json.loads(index.read_text()))))
    refused(folder, said)


def test_a_folder_that_brings_code(folder: Path) -> None:
    (folder / "unet" / "own_module.py").write_text("raise SystemExit")
    refused(folder, "contains code")


def test_a_part_that_is_not_there(folder: Path) -> None:
    shutil.rmtree(folder / "vae")
    refused(folder, "cannot be loaded")


def test_a_model_without_negative_prompts_says_so(folder: Path) -> None:
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "_class_name": "LatentConsistencyModelPipeline"}))
    scheduler = folder / "scheduler" / "scheduler_config.json"
    scheduler.write_text(json.dumps({**json.loads(scheduler.read_text()), "_class_name": "LCMScheduler"}))
    backend = load_backend(Settings(pipeline=str(folder), threads=1))
    with pytest.raises(BadRequest, match="no negative prompt"):
        backend.check(replace(JOB, negative_prompt="a car"))
    assert backend.check(JOB) == ()
