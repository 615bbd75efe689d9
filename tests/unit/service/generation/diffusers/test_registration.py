"""What a pipeline's folder must be to get a card, file by file."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.generation.diffusers.registration import check_pipeline, pipeline_card, read_header, unlisted_files
from service.generation.folders import folder_digest
from service.kit.errors import Misconfigured
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
    assert unlisted_files(card, folder) == []
    (folder / "unet" / "more.safetensors").write_bytes(b"")
    assert unlisted_files(card, folder) == ["unet/more.safetensors"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"code")


def linked(part: Path) -> None:
    part.symlink_to(part.rename(part.parents[1] / "elsewhere"))


def named(folder: Path, part: str) -> None:
    """One part more in the index."""
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), part: ["diffusers", "UNet2DConditionModel"]}))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pickle": (lambda f: (f / UNET).rename(f / UNET.with_suffix(".bin")), "not a supported kind"),
    "a checkpoint": (lambda f: (f / "model.ckpt").write_bytes(b""), r"model\.ckpt"),
    "code": (lambda f: (f / "pipeline.py").write_text(""), "contains code"),
    "a shell script": (lambda f: (f / "run.sh").write_text(""), "not a supported kind"),
    "no weights": (lambda f: (f / UNET).unlink(), "has no safetensors"),
    "weights cut off": (lambda f: cut(f / UNET), "not have the size"),
    "weights with something behind": (lambda f: longer(f / UNET), "not have the size"),
    "weights that are none": (lambda f: (f / UNET).write_bytes(b"PK"), "not a safetensors file"),
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
    "a shard that lies elsewhere": (
        lambda f: (f / "unet" / "x.safetensors.index.json").write_text(
            '{"weight_map": {"a": "../.cache/a.safetensors"}}'
        ),
        "not in the same folder",
    ),
    "a variant's shard that lies elsewhere": (
        lambda f: (f / "unet" / "x.safetensors.index.fp16.json").write_text('{"weight_map": {"a": "/a.safetensors"}}'),
        "not in the same folder",
    ),
    "a part that is a link": (lambda f: linked(f / "unet"), "link to a folder"),
    "a folder in a part that is a link": (lambda f: (f / "vae" / "more").symlink_to(f / "unet"), "link to a folder"),
    "a part that lies elsewhere": (lambda f: named(f, "../other"), "not a subfolder"),
    "a hidden part": (lambda f: named(f, ".hidden"), "not a subfolder"),
    "an adapter in place of weights": (
        lambda f: (f / "text_encoder" / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}'),
        "may come from elsewhere",
    ),
    "a hidden pickle in a part": (lambda f: (f / "unet" / ".w.bin").write_bytes(b""), "not a supported kind"),
    "no index": (lambda f: (f / "model_index.json").unlink(), "not a diffusers folder"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_gets_no_card(folder: Path, fault: str) -> None:
    change, said = FAULTS[fault]
    change(folder)
    with pytest.raises(Misconfigured, match=said):
        check_pipeline(folder)


def test_a_hidden_shard_is_on_the_card(folder: Path) -> None:
    table = (folder / UNET).with_suffix(".safetensors.index.json")
    hidden = (folder / UNET).rename(folder / "unet" / ".w-1.safetensors")
    table.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(read_header(hidden), hidden.name)}))
    card = pipeline_card(folder, "mine", check_pipeline(folder))
    assert "unet/.w-1.safetensors" in card.files
    before = folder_digest(folder)
    hidden.write_bytes(hidden.read_bytes()[:-1] + b"x")
    assert folder_digest(folder) != before


def test_links_to_files_may_be(folder: Path) -> None:
    (folder / UNET).symlink_to((folder / UNET).rename(folder.parent / "blob"))
    assert UNET.as_posix() in pipeline_card(folder, "mine", check_pipeline(folder)).files


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    assert folder_digest(folder.parent / "link") == folder_digest(folder)
    assert check_pipeline(folder.parent / "link")


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
