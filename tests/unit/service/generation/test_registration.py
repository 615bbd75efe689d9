"""What a pipeline's folder must be to get a card, file by file."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Misconfigured
from service.generation.registration import check_pipeline, pipeline_card, read_header, strangers
from tests.support.pipelines import add_safety_checker, stable_diffusion

UNET = Path("unet", "diffusion_pytorch_model.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stable_diffusion(tmp_path / "pipeline")


def test_what_it_finds(folder: Path) -> None:
    checked = check_pipeline(folder)
    assert (checked.family, checked.checker) == ("StableDiffusionPipeline", False)
    assert set(checked.parts) == {"text_encoder", "unet", "vae"}
    assert check_pipeline(add_safety_checker(folder)).checker


def test_the_card_names_every_file_and_the_licence(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: creativeml-openrail-m\n---\n")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock.bin").write_text("")
    card = pipeline_card(folder, "mine", check_pipeline(folder))
    assert card.licence == "creativeml-openrail-m"
    assert card.verified_root() == folder
    assert strangers(card, folder) == []
    (folder / "unet" / "more.safetensors").write_bytes(b"")
    assert strangers(card, folder) == ["unet/more.safetensors"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"code")


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pickle": (lambda f: (f / UNET).rename(f / UNET.with_suffix(".bin")), "none of the kinds"),
    "a checkpoint": (lambda f: (f / "model.ckpt").write_bytes(b""), r"model\.ckpt"),
    "code": (lambda f: (f / "pipeline.py").write_text(""), "brings code"),
    "a shell script": (lambda f: (f / "run.sh").write_text(""), "none of the kinds"),
    "no weights": (lambda f: (f / UNET).unlink(), "has no safetensors"),
    "weights cut off": (lambda f: cut(f / UNET), "not the size"),
    "weights with something behind": (lambda f: longer(f / UNET), "not the size"),
    "weights that are none": (lambda f: (f / UNET).write_bytes(b"PK"), "no safetensors file"),
    "a shard that is not there": (
        lambda f: (f / "unet" / "x.safetensors.index.json").write_text('{"weight_map": {"a": "b-1.safetensors"}}'),
        r"has no b-1\.safetensors",
    ),
    "a table of shards that is none": (
        lambda f: (f / "unet" / "x.safetensors.index.json").write_text("[]"),
        "cannot be read",
    ),
    "another checker": (
        lambda f: (f / "model_index.json").write_text(
            json.dumps({**json.loads((f / "model_index.json").read_text()), "safety_checker": ["mine", "OwnChecker"]})
        ),
        "OwnChecker",
    ),
    "no index": (lambda f: (f / "model_index.json").unlink(), "no diffusers folder"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_gets_no_card(folder: Path, fault: str) -> None:
    change, said = FAULTS[fault]
    change(folder)
    with pytest.raises(Misconfigured, match=said):
        check_pipeline(folder)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_bytes_a_header_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(data)
    with pytest.raises(Misconfigured):
        read_header(path)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_the_header_says_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, said: object) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    words = json.dumps(said).encode()
    path.write_bytes(struct.pack("<Q", len(words)) + words + b"x")
    with pytest.raises(Misconfigured):
        read_header(path)
