import json
from pathlib import Path

import diffusers
import pytest
import transformers

from service.generation.diffusers.supported_pipelines import (
    INDEX,
    Index,
    disabled_components,
    part_class,
    pipeline_class,
    read_index,
    shards,
    steerable,
)
from service.kit.errors import Misconfigured

VALUES = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.30",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "safety_checker": [None, None],
    "requires_safety_checker": False,
}


def folder(path: Path, **changes: object) -> Path:
    (path / INDEX).write_text(json.dumps({**VALUES, **changes}))
    return path


def test_an_index_names_the_family_and_its_parts(tmp_path: Path) -> None:
    index = read_index(folder(tmp_path))
    assert index == Index(tmp_path, "StableDiffusionPipeline", {"unet": ("diffusers", "UNet2DConditionModel")})


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"_class_name": "X", "unet": ["diffusers"]}'])
def test_a_folder_without_a_readable_index_is_no_pipeline(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / INDEX).write_text(text)
    with pytest.raises(Misconfigured, match="not a diffusers folder"):
        read_index(tmp_path)


def test_code_is_never_run(tmp_path: Path) -> None:
    (folder(tmp_path) / "unet").mkdir()
    (tmp_path / "unet" / "own.py").write_text("")
    with pytest.raises(Misconfigured, match=r"contains code \(own\.py\)"):
        read_index(tmp_path)


@pytest.mark.parametrize("name", ["../unet", "a/b", "."])
def test_a_part_is_a_subfolder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match="not a subfolder"):
        read_index(folder(tmp_path, **{name: ["diffusers", "UNet2DConditionModel"]}))


def test_a_part_that_is_an_adapter_is_refused(tmp_path: Path) -> None:
    (folder(tmp_path) / "adapter_config.json").write_text("{}")
    with pytest.raises(Misconfigured, match="an adapter"):
        read_index(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "model.safetensors.index.fp16.json"])
def test_shards_lie_beside_their_index(tmp_path: Path, name: str) -> None:
    index = tmp_path / name
    index.write_text(json.dumps({"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}}))
    assert shards(index) == {"1.safetensors", "2.safetensors"}
    read_index(folder(tmp_path))
    index.write_text(json.dumps({"weight_map": {"a": "../1.safetensors"}}))
    for read in (lambda: shards(index), lambda: read_index(tmp_path)):
        with pytest.raises(Misconfigured, match="not in the same folder"):
            read()
    index.write_text("{}")
    with pytest.raises(Misconfigured, match="cannot be read"):
        shards(index)


def family(name: str) -> object:
    return pipeline_class(Index(Path(), name, {}))


def test_a_family_is_a_text_to_image_pipeline_of_diffusers() -> None:
    assert family("StableDiffusionPipeline") is diffusers.StableDiffusionPipeline
    assert family("FluxPipeline") is diffusers.FluxPipeline


@pytest.mark.parametrize("name", ["OwnPipeline", "StableDiffusionImg2ImgPipeline", ""])
def test_another_class_is_not_supported(name: str) -> None:
    with pytest.raises(Misconfigured, match="no such text-to-image pipeline"):
        family(name)


@pytest.mark.parametrize("name", ["StableDiffusionControlNetPipeline", "KandinskyCombinedPipeline", "IFPipeline"])
def test_a_family_that_needs_more_than_text_is_not_supported(name: str) -> None:
    with pytest.raises(Misconfigured, match="from text alone"):
        family(name)


def test_the_pipelines_own_checks_are_left_out() -> None:
    assert disabled_components(diffusers.StableDiffusionPipeline) == {
        "safety_checker": None,
        "requires_safety_checker": False,
        "feature_extractor": None,
    }
    assert disabled_components(diffusers.StableDiffusionXLPipeline) == {"add_watermarker": False}
    assert disabled_components(diffusers.FluxPipeline) == {}


def test_parts_are_classes_of_the_two_libraries() -> None:
    assert part_class("diffusers", "UNet2DConditionModel") is diffusers.UNet2DConditionModel
    assert part_class("transformers", "CLIPTextModel") is transformers.CLIPTextModel
    assert part_class("stable_diffusion", "StableDiffusionSafetyChecker")


@pytest.mark.parametrize(
    ("library", "kind"),
    [
        ("builtins", "eval"),
        ("diffusers", "Nothing"),
        ("diffusers", "logging"),
        ("os", "system"),
        ("diffusers", "utils"),
    ],
)
def test_any_other_part_is_refused(library: str, kind: str) -> None:
    with pytest.raises(Misconfigured, match="not a loadable class"):
        part_class(library, kind)


def test_only_two_families_are_steered() -> None:
    assert [steerable(f"{name}Pipeline") for name in ("StableDiffusion", "StableDiffusionXL", "Flux")] == [
        True,
        True,
        False,
    ]
