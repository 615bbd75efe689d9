"""The pipeline folder's own checker: read as diffusers reads it, and every fault of its a refusal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import ModelFault, ModelMissing
from service.gateway.assembly import open_folder_checker
from service.gateway.order import Order
from service.generation.diffusers.safety_checker import FolderChecker, brings_checker, margin
from service.kit.errors import StageFailed, Unavailable, Unsafe
from service.kit.settings import Settings
from tests.support.gateway import Build
from tests.support.painter import landscape
from tests.support.pipelines import add_safety_checker, change_weights

EDGE = "vision_model.embeddings.patch_embedding.weight"
Weights = dict[str, torch.Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return add_safety_checker(tmp_path / "pipeline")


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> FolderChecker:
    return FolderChecker(add_safety_checker(tmp_path_factory.mktemp("module") / "pipeline"))


def give_thresholds(checker: FolderChecker, care: np.ndarray, concepts: np.ndarray) -> None:
    model = checker._model
    model.special_care_embeds_weights.data = torch.from_numpy(care)
    model.concept_embeds_weights.data = torch.from_numpy(concepts)
    checker._special = checker._load_concepts(model.special_care_embeds, model.special_care_embeds_weights)
    checker._concepts = checker._load_concepts(model.concept_embeds, model.concept_embeds_weights)


def near(rng: np.random.Generator, cosines: np.ndarray) -> np.ndarray:
    """Thresholds a few thousandths around the cosines."""
    return np.clip(cosines + rng.uniform(-0.003, 0.015, cosines.shape), 0.001, 0.999).astype(np.float32)


@given(seed=st.integers(0, 10_000))
def test_it_flags_what_diffusers_flags(checker: FolderChecker, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rgb = landscape(seed % 50, 48, 40)
    give_thresholds(checker, np.full(3, 0.5, np.float32), np.full(17, 0.5, np.float32))
    care, concepts = (values + 0.5 for values in checker._cosines(checker._embed([rgb])[0]))
    give_thresholds(checker, near(rng, care), near(rng, concepts))
    seen = torch.from_numpy(checker._preprocess([rgb]))
    _, (flagged,) = checker._model(seen, [np.zeros((1, 1, 3))])
    (found,) = checker([rgb])
    assert (found.score >= 0.5) == flagged


def test_concepts_of_special_care_lower_the_thresholds_once_and_flag_nothing_alone() -> None:
    far, close = np.full(3, -0.5, np.float32), np.array([0.2, 0.2, 0.2], np.float32)
    concepts = np.full(17, -0.0095, np.float32)
    assert margin(far, concepts) < 0
    assert margin(close, concepts) == pytest.approx(0.001) or margin(close, concepts) == 0
    assert margin(close, concepts + np.float32(0.001)) > 0
    assert margin(close, concepts - np.float32(0.001)) < 0
    chained = np.array([0.2, -0.005, -0.5], np.float32)  # the first lowers the second's, and no more than by 0.01
    assert margin(chained, concepts + np.float32(0.001)) == margin(close, concepts + np.float32(0.001))


@given(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32))
def test_the_score_is_monotone_and_within_0_and_1(checker: FolderChecker, one: float, other: float) -> None:
    low, high = (checker._finding(above).score for above in sorted((one, other)))
    assert 0 <= low <= high <= 1


def test_the_edge_lies_where_diffusers_has_it(checker: FolderChecker) -> None:
    assert checker._finding(0.0).score < 0.5 <= checker._finding(0.001).score


def test_findings_name_it(checker: FolderChecker) -> None:
    first, second = checker([landscape(1, 64, 64), landscape(2, 300, 40)])
    assert (first.detector, first.label) == ("stable_diffusion_safety_checker", "nsfw")
    assert first.model == "pipeline/safety_checker@1"
    assert len(first.digest) == 64
    assert max(first.score, second.score) <= 1


def test_weights_with_the_published_names_are_the_same_weights(folder: Path, tmp_path: Path) -> None:
    published = FolderChecker(add_safety_checker(tmp_path / "published", published=True))
    rgb = landscape(3, 64, 64)
    assert np.array_equal(published._embed([rgb]), FolderChecker(folder)._embed([rgb]))


def test_the_published_form_of_the_feature_extractor_is_read(folder: Path) -> None:
    path = folder / "feature_extractor" / "preprocessor_config.json"
    values = json.loads(path.read_text())
    del values["image_processor_type"], values["do_rescale"], values["rescale_factor"]
    path.write_text(
        json.dumps({**values, "size": 32, "crop_size": 32, "feature_extractor_type": "CLIPFeatureExtractor"})
    )
    assert FolderChecker(folder)([landscape(1, 64, 64)])


def setting(name: str, value: float) -> Callable[[Weights], Weights]:
    return lambda weights: {**weights, name: torch.full_like(weights[name], value)}


BAD_WEIGHTS: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "concepts of zeros": (setting("concept_embeds", 0), "zero length"),
    "concepts of ones": (setting("concept_embeds", 1), "concepts are the same"),
    "concepts of NaN": (setting("concept_embeds", np.nan), "not finite"),
    "special care of zeros": (setting("special_care_embeds", 0), "zero length"),
    "special care of ones": (setting("special_care_embeds", 1), "concepts are the same"),
    "thresholds of zeros": (setting("concept_embeds_weights", 0), "threshold"),
    "thresholds of ones": (setting("concept_embeds_weights", 1), "threshold"),
    "thresholds of NaN": (setting("concept_embeds_weights", np.nan), "threshold"),
    "special thresholds of zeros": (setting("special_care_embeds_weights", 0), "threshold"),
    "a blind encoder": (setting(EDGE, 0), "the same embedding"),
    "an encoder of NaN": (setting(EDGE, np.nan), "not finite"),
    "a projection of zeros": (setting("visual_projection.weight", 0), "zero length"),
    "no concepts": (lambda w: {k: v for k, v in w.items() if k != "concept_embeds"}, "missing_keys"),
    "no encoder": (lambda w: {k: v for k, v in w.items() if not k.startswith("vision_model")}, "missing_keys"),
    "other concepts": (lambda w: {**w, "concept_embeds": torch.randn(5, 12)}, "loaded|incomplete"),
}


@pytest.mark.parametrize("fault", BAD_WEIGHTS)
def test_weights_that_cannot_judge_are_not_opened(folder: Path, fault: str) -> None:
    change, said = BAD_WEIGHTS[fault]
    change_weights(folder, change)
    with pytest.raises(ModelFault, match=said):
        FolderChecker(folder)
    with pytest.raises(Unavailable, match=said):
        open_folder_checker(Settings(), folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_std": [0, 0, 0]}, "not finite"),
        ({"do_normalize": False}, "skips do_normalize"),
        ({"do_center_crop": False}, "skips do_center_crop"),
        ({"crop_size": 16}, "the model needs 32 px"),
        ({"image_mean": "grey"}, "feature_extractor failed"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_feature_extractor_that_shows_another_picture_is_a_fault(
    folder: Path, change: dict[str, Any], said: str
) -> None:
    path = folder / "feature_extractor" / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelFault, match=said):
        FolderChecker(folder)


@pytest.mark.parametrize(
    "part",
    ["safety_checker/config.json", "safety_checker/model.safetensors", "feature_extractor/preprocessor_config.json"],
)
def test_a_checker_that_is_named_and_not_there_is_a_fault(folder: Path, part: str) -> None:
    path = folder / part
    path.rename(path.with_suffix(".bin"))
    with pytest.raises(ModelMissing, match=part):
        FolderChecker(folder)
    path.write_bytes(b"{")
    with pytest.raises(ModelFault, match="cannot be loaded"):
        FolderChecker(folder)


def test_which_folders_bring_one(folder: Path) -> None:
    index = folder / "model_index.json"
    assert brings_checker(folder)
    index.write_text(json.dumps({"safety_checker": [None, None]}))
    assert brings_checker(folder)  # its weights are there: they are used
    (folder / "safety_checker").rename(folder / "elsewhere")
    assert not brings_checker(folder)
    index.write_text("{}")
    assert not brings_checker(folder)
    assert open_folder_checker(Settings(), folder) == []


@pytest.mark.parametrize("said", ['{"safety_checker": ["mine", "OwnChecker"]}', "[]", "{", '{"safety_checker": 7}'])
def test_a_checker_that_is_not_understood_is_a_fault(tmp_path: Path, said: str) -> None:
    (tmp_path / "model_index.json").write_text(said)
    with pytest.raises(ModelFault, match="safety checker"):
        brings_checker(tmp_path)


BAD_IMAGES: dict[str, NDArray[Any]] = {
    "floating point with NaN": np.full((64, 64, 3), np.nan, np.float32),
    "grey": np.zeros((64, 64), np.uint8),
    "with alpha": np.zeros((64, 64, 4), np.uint8),
    "empty": np.zeros((0, 64, 3), np.uint8),
}


@pytest.mark.parametrize("fault", BAD_IMAGES)
def test_what_is_no_picture_is_not_judged(checker: FolderChecker, fault: str) -> None:
    with pytest.raises(ModelFault, match="not 8-bit RGB"):
        checker([BAD_IMAGES[fault]])
    with pytest.raises(ModelFault, match="no image"):
        checker([])


def test_nan_in_the_middle_of_a_day_refuses_the_picture(build: Build, folder: Path) -> None:
    checker = FolderChecker(folder)
    gateway = build(checkers=[checker])
    assert gateway.release(Order(prompt="a lake", seed=1)).findings[0].detector == checker.name
    checker._model.visual_projection.weight.data.fill_(float("nan"))
    with pytest.raises(StageFailed) as caught:
        gateway.release(Order(prompt="a lake", seed=1))
    assert caught.value.stage == "screen"


def test_what_it_flags_is_refused(build: Build, folder: Path) -> None:
    checker = FolderChecker(folder)
    cosines = checker._cosines(checker._embed([landscape(1, 256, 256)])[0])[1] + 0.99
    give_thresholds(checker, np.full(3, 0.99, np.float32), np.full(17, cosines.max() - 0.05, np.float32))
    with pytest.raises(Unsafe, match="stable_diffusion_safety_checker"):
        build(checkers=[checker]).release(Order(prompt="a lake", seed=1))
