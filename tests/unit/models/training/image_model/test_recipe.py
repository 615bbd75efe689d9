"""The whole recipe in seconds: tiny networks, a few scenes, a few steps; then once more from what it left."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPTokenizer

from models.safetensors import read_tensors
from models.training.image_model import autoencoder, corpus, graph, text_pretraining, tokenizer
from models.training.image_model.__main__ import run
from models.training.image_model.captions_batch import CaptionBatches
from models.training.image_model.config import GPU, Recipe
from models.training.image_model.corpus import scene_at
from models.training.image_model.diffusion import _stratified_times, object_weights, scene_weights
from models.training.image_model.networks import TextToLatents
from models.training.image_model.one_step_estimates import OneStepEstimates
from models.training.image_model.scenes import Scene, Thing
from models.training.image_model.warm_start import POOLING, copy_autoencoder, copy_denoiser

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def recipe(sprites: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return Recipe(
        sprites, tmp_path_factory.mktemp("run"),
        scenes=4, further=2, held_out=2, autoencoder_channels=(8, 8, 8, 8), latent_channels=4, autoencoder_steps=2,
        decoder_steps=1, diffusion_steps=2, unet_channels=(16, 16, 16, 16), text_width=16, text_layers=1, batch=2,
        vocabulary_size=600, vocabulary_captions=500, reading_steps=2, reading_batch=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(recipe: Recipe) -> Path:
    return run(recipe, CPU)


@pytest.fixture(scope="module")
def words(recipe: Recipe) -> CLIPTokenizer:
    return tokenizer.build(recipe)


@pytest.fixture
def without_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graphs of `folder` stay: they belong to its architecture, whatever the weights are."""
    monkeypatch.setattr(graph, "write", lambda folder: None)


def test_it_ends_in_a_pipeline_that_draws(folder: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("two red cars", num_inference_steps=2, output_type="np").images[0]
    assert image.shape == (256, 256, 3)
    assert np.isfinite(image).all()


def test_it_brings_the_graphs(folder: Path) -> None:
    parts = graph.parts(folder)
    assert len(parts) == 4
    for part in parts:
        graph.prove(part, (folder / part.file).read_bytes(), read_tensors((folder / part.weights).read_bytes()))


@pytest.mark.usefixtures("without_graphs")
def test_what_is_done_is_not_done_again(recipe: Recipe, folder: Path) -> None:
    curves = (recipe.out / "scenes-256" / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
    assert run(recipe, CPU) == folder
    assert (folder / "unet" / "diffusion_pytorch_model.safetensors").read_bytes() == curves


@pytest.mark.usefixtures("without_graphs")
def test_more_steps_continue_a_finished_stage(recipe: Recipe, folder: Path) -> None:
    run(replace(recipe, diffusion_steps=3), CPU)
    state = torch.load(recipe.out / "diffusion.pt", weights_only=True)
    assert state["step"] == 3


def test_a_wider_recipe_takes_over_what_fits(recipe: Recipe, folder: Path, tmp_path: Path) -> None:
    wider = replace(recipe, out=tmp_path, latent_channels=6, vocabulary_size=700)
    model = TextToLatents(wider, tokenizer.build(wider))
    pooling = {name: value.clone() for name, value in model.unet.state_dict().items() if name.startswith(POOLING)}
    copy_denoiser(model.unet, folder)
    assert pooling
    assert all(torch.equal(model.unet.state_dict()[name], value) for name, value in pooling.items())
    assert model.unet.conv_in.weight[:, 4:].abs().max() == 0
    assert model.unet.conv_out.weight[4:].abs().max() == 0
    assert model.unet.conv_in.weight[:, :4].abs().max() > 0


def test_reading_teaches_the_text_encoder_and_the_pooling_alone(
    recipe: Recipe, words: CLIPTokenizer, tmp_path: Path
) -> None:
    own = replace(recipe, out=tmp_path, reading_steps=40, reading_batch=6)
    model = TextToLatents(own, words)
    scenes = list(corpus.scenes(own)[: own.training])
    latents = torch.randn(own.training, own.latent_channels, 32, 32)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    text_pretraining.train(own, model, words, scenes, latents, object_weights(scenes, recipe.sprites, 32, 3.0), CPU)

    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith(("text.", f"unet.{POOLING}")) for name in changed)


def test_reading_goes_on_from_what_it_left(recipe: Recipe, words: CLIPTokenizer, folder: Path) -> None:
    state = torch.load(recipe.out / "reading.pt", weights_only=True)
    assert (state["step"], state["done"]) == (recipe.reading_steps, True)
    model = TextToLatents(recipe, words)
    scenes = list(corpus.scenes(recipe)[: recipe.training])
    latents = torch.zeros(recipe.training, recipe.latent_channels, 32, 32)
    text_pretraining.train(recipe, model, words, scenes, latents, object_weights(scenes, recipe.sprites, 32, 3.0), CPU)
    embedding = model.text.get_input_embeddings().weight
    assert torch.equal(embedding, state["model"]["text.embeddings.token_embedding.weight"])


def test_noisy_times_come_more_often_with_a_bias() -> None:
    torch.manual_seed(0)
    even, biased = (_stratified_times(10_000, bias).float() for bias in (0.0, 1.0))
    assert even.mean() == pytest.approx(500, abs=5)
    assert biased.mean() == pytest.approx(667, abs=5)
    assert biased.max() <= 999


def test_an_autoencoder_of_another_width_is_no_start(recipe: Recipe, folder: Path) -> None:
    wider = autoencoder.build(replace(recipe, latent_channels=6))
    before = wider.decoder.conv_in.weight.clone()
    copy_autoencoder(wider, folder)
    assert torch.equal(before, wider.decoder.conv_in.weight)
    same = autoencoder.build(recipe)
    copy_autoencoder(same, folder)
    assert not torch.equal(same.decoder.conv_in.weight, autoencoder.build(recipe).decoder.conv_in.weight)


def test_the_autoencoder_starts_as_a_codec_of_block_averages(recipe: Recipe) -> None:
    ramp = np.linspace(30, 220, 256, dtype=np.uint8)[None, :, None, None].repeat(256, 2).repeat(3, 3)
    assert autoencoder.reconstruction_psnr(autoencoder.build(recipe), ramp, CPU) > 15


def test_cells_of_objects_weigh_more_and_the_mean_is_one(recipe: Recipe) -> None:
    scenes = [Scene((Thing("car"),), "one", "beach"), Scene((), "empty", "beach")]
    weights = object_weights(scenes, recipe.sprites, 32, 3.0).float()
    assert weights.shape == (2, 1, 32, 32)
    assert torch.allclose(weights.mean((1, 2, 3)), torch.ones(2), atol=1e-2)
    assert weights[0, 0, 20, 16] > 2 * weights[0, 0, 0, 0]
    assert (weights[1] == 1).all()


def test_simple_scenes_come_more_often_at_first_and_pairs_later() -> None:
    one = Scene((Thing("car"),), "one", "beach")
    scenes = [one, replace(one, arrangement="two"), replace(one, style="sketch"), Scene((), "empty", "beach")]
    pair = replace(one, arrangement="on", things=(Thing("car"), Thing("table")))
    recipe = Recipe(Path(), Path(), simple_share=0.6, pair_share=0.5, several_share=0.2)
    first, then = scene_weights([*scenes, pair], recipe)
    assert first.tolist() == pytest.approx([0.6, 0.1, 0.1, 0.1, 0.1])
    assert then.tolist() == pytest.approx([0.1, 0.2, 0.1, 0.1, 0.5])


def test_scenes_hang_on_seed_and_number_alone() -> None:
    assert scene_at(1, 5) == scene_at(1, 5)
    assert scene_at(1, 5) != scene_at(2, 5)


def test_further_scenes_are_mostly_of_two_objects_or_several_and_none_is_held_out() -> None:
    recipe = Recipe(Path(), Path(), scenes=100, further=300, held_out=20)
    scenes = corpus.scenes(recipe)
    first, further, held_out = scenes[:100], scenes[100:400], scenes[400:]
    assert first == tuple(scene_at(recipe.seed, index) for index in range(100))
    assert held_out == tuple(scene_at(recipe.seed, index) for index in range(100, 120))
    assert len(set(scenes)) == len(scenes) == 420
    assert sum(len(scene.things) > 1 or scene.count > 1 for scene in further) > 0.6 * len(further)


@pytest.mark.parametrize("text", ["naïve 東京 🦊", "", "a" * 500])
def test_the_tokenizer_covers_any_text(recipe: Recipe, words: CLIPTokenizer, text: str) -> None:
    ids = words(text, truncation=True)["input_ids"]
    assert len(ids) <= recipe.text_length
    assert words.unk_token_id not in ids[1:-1]


def test_the_sizes_for_a_card_are_fields_of_the_recipe(sprites: Path, tmp_path: Path) -> None:
    assert Recipe(sprites, tmp_path, **GPU).batch  # type: ignore[arg-type]  # they are what a command line gives == GPU["batch"]


@pytest.mark.usefixtures("folder")
def test_guesses_are_finite_and_of_the_same_shape(recipe: Recipe, words: CLIPTokenizer) -> None:
    captions = CaptionBatches(recipe, words, [scene_at(1, number) for number in range(3)], random.Random(0))
    estimates = OneStepEstimates(TextToLatents(recipe, words), captions, CPU).estimate(
        torch.zeros(3, 4, 32, 32), [2, 0, 1]
    )
    assert estimates.shape == (3, 4, 32, 32)
    assert estimates.isfinite().all()
