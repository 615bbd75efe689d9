"""Drawing after reference pictures, by tiny untrained pipelines and IP-Adapters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from models import ModelFault
from service.generation import Job, References
from service.generation.canvas import canvas
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend
from service.kit.errors import BadRequest, Misconfigured
from service.kit.settings import Settings
from tests.support import families, pipelines
from tests.support.ip_adapters import ip_adapter
from tests.support.painter import ignore, landscape

SIDE = 128
PLAIN = Job("a lake", "", 7, SIDE, SIDE, 3, 5.0)
LAYOUTS = {"stable_diffusion": pipelines.stable_diffusion, "stable_diffusion_xl": pipelines.stable_diffusion_xl}


@pytest.fixture(scope="module", params=LAYOUTS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    folder = tmp_path_factory.mktemp(request.param)
    pipeline = str(LAYOUTS[request.param](folder / "pipeline"))
    plain = load_backend(Settings(pipeline=pipeline, threads=1))
    adapter = ip_adapter(folder / "adapter", plain._pipeline)
    return load_backend(Settings(pipeline=pipeline, threads=1, reference_adapter=adapter))


def after(backend: DiffusersBackend, *seeds: int, scale: float = 0.6, **changes: object) -> Job:
    pictures = tuple(landscape(seed, 512, 512) for seed in seeds)
    return replace(PLAIN, references=References(pictures, scale, backend.reference_digest), **changes)  # type: ignore[arg-type]


def test_references_their_number_and_their_scale_matter(backend: DiffusersBackend) -> None:
    first = backend.render(after(backend, 1), ignore)
    for other in (PLAIN, after(backend, 2), after(backend, 1, 2), after(backend, 1, scale=0.1)):
        assert not np.array_equal(first, backend.render(other, ignore))
    assert np.array_equal(first, backend.render(after(backend, 1), ignore))


def test_nothing_of_them_stays_for_the_next_picture(backend: DiffusersBackend) -> None:
    before = backend.render(PLAIN, ignore)
    backend.render(after(backend, 1), ignore)

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyError("stop")

    with pytest.raises(KeyError):
        backend.render(after(backend, 1), stop)
    assert np.array_equal(before, backend.render(PLAIN, ignore))


def test_they_go_with_a_picture_to_change_a_mask_and_steering(backend: DiffusersBackend) -> None:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[:, 64:] = True
    onto = canvas(landscape(3, SIDE, SIDE), mask, None, (SIDE, SIDE))
    for changes in ({"canvas": onto}, {"steering": 1}):
        job = after(backend, 1, **changes)
        assert backend.check(job) == ()
        drawn = backend.render(job, ignore)
        assert not np.array_equal(drawn, backend.render(replace(job, references=None), ignore))


def test_without_an_adapter_there_are_no_references(tmp_path: Path) -> None:
    backend = load_backend(Settings(pipeline=str(pipelines.stable_diffusion(tmp_path / "pipeline")), threads=1))
    assert backend.reference_digest == ""
    with pytest.raises(BadRequest, match="no IP-Adapter"):
        backend.check(after(backend, 1))


def test_a_family_without_a_unet_takes_none(backend: DiffusersBackend, tmp_path: Path) -> None:
    other = load_backend(Settings(pipeline=str(families.sana(tmp_path / "pipeline")), threads=1))
    other._references = backend._references
    with pytest.raises(BadRequest, match="does not support reference images"):
        other.check(after(backend, 1))


@pytest.fixture
def parts(tmp_path: Path) -> tuple[str, Path]:
    pipeline = str(pipelines.stable_diffusion(tmp_path / "pipeline"))
    plain = load_backend(Settings(pipeline=pipeline, threads=1))
    return pipeline, ip_adapter(tmp_path / "adapter", plain._pipeline)


def test_one_that_does_not_fit_is_a_fault_and_harms_nothing(parts: tuple[str, Path]) -> None:
    pipeline, adapter = parts
    weights = load_file(adapter / "ip_adapter.safetensors")
    wide = {name: value.repeat(1, 2) if "to_k_ip" in name else value for name, value in weights.items()}
    save_file(wide, adapter / "ip_adapter.safetensors")
    backend = load_backend(Settings(pipeline=pipeline, threads=1, reference_adapter=adapter))
    before = backend.render(PLAIN, ignore)
    with pytest.raises(ModelFault, match="does not fit this model"):
        backend.render(after(backend, 1), ignore)
    assert np.array_equal(before, backend.render(PLAIN, ignore))


@pytest.mark.parametrize("gone", ["ip_adapter.safetensors", "image_encoder/model.safetensors", "a weight"])
def test_incomplete_ones_do_not_load(parts: tuple[str, Path], gone: str) -> None:
    pipeline, adapter = parts
    if gone == "a weight":
        path = adapter / "image_encoder" / "model.safetensors"
        weights = load_file(path)
        del weights[sorted(weights)[0]]
        save_file(weights, path, metadata={"format": "pt"})
    else:
        (adapter / gone).unlink()
    with pytest.raises(Misconfigured):
        load_backend(Settings(pipeline=pipeline, threads=1, reference_adapter=adapter))
