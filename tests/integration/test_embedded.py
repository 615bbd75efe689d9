"""The embedded model: a real diffusers pipeline whose prompts steer the picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import Card, DigestMismatch, find_card
from models import cards as card_module
from service.examiner.policy import Outcome
from service.gateway.order import Order
from service.generation import Job
from service.generation.adapter import Adapter
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import EMBEDDED, load_backend
from service.generation.diffusers.onnx_parts import Decoder, Denoiser
from service.generation.folders import file_digest
from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, Unavailable
from service.kit.settings import Settings
from tests.integration.test_story import jpeg, pixels
from tests.support import adapters
from tests.support.gateway import Build


@pytest.fixture(scope="module")
def backend() -> DiffusersBackend:
    return load_backend(Settings(threads=1))


def draw(backend: DiffusersBackend, prompt: str, seed: int = 7, steps: int = 8) -> np.ndarray:
    width, height = backend.default_size
    job = Job(prompt, "", seed, width, height, steps, backend.default_guidance)
    return backend.render(job, lambda done, total: None)


def test_it_is_a_plain_stable_diffusion_pipeline() -> None:
    from diffusers import AutoPipelineForText2Image, StableDiffusionPipeline

    loaded = AutoPipelineForText2Image.from_pretrained(find_card(EMBEDDED).verified_root(), local_files_only=True)
    assert type(loaded) is StableDiffusionPipeline


def test_the_same_seed_gives_the_same_picture(backend: DiffusersBackend) -> None:
    one, two, other = (draw(backend, "a frog in a meadow", seed, 2) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_torch_alone_draws_the_same_to_the_eye(backend: DiffusersBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = draw(backend, "a frog in a meadow", steps=2)
    monkeypatch.setattr(backend, "_parts", ())
    plain = draw(backend, "a frog in a meadow", steps=2)
    assert np.abs(quick.astype(int) - plain).max() <= 1


def test_pictures_drawn_together_are_those_drawn_singly_to_the_eye(backend: DiffusersBackend) -> None:
    jobs = [Job("a frog in a meadow", "", seed, 256, 256, 2, 4.0) for seed in (1, 2)]
    together = backend.render_batch(jobs, lambda done, total: None)
    for picture, job in zip(together, jobs, strict=True):
        assert np.abs(picture.astype(int) - draw(backend, job.prompt, job.seed, 2)).max() <= 1


def test_steering_reaches_the_picture(backend: DiffusersBackend) -> None:
    job = Job("a frog in a meadow", "", 7, 256, 256, 2, 4.0)
    as_asked, steered = (backend.render(one, lambda done, total: None) for one in (job, replace(job, steering=3)))
    assert not np.array_equal(as_asked, steered)


def test_an_adapter_reaches_the_picture(backend: DiffusersBackend, tmp_path: Path) -> None:
    """It changes torch's layers, so torch has to draw."""
    file = adapters.lora(tmp_path / "a.safetensors", backend._pipeline.unet)
    worn = Adapter("style", "lora", file_digest(file), file, 1.0)
    job = Job("a frog in a meadow", "", 7, 256, 256, 2, 4.0)
    before, changed, after = (
        backend.render(replace(job, adapters=on), lambda done, total: None) for on in ((), (worn,), ())
    )
    assert np.array_equal(before, after)
    assert np.abs(before.astype(int) - changed).mean() > 1


@pytest.mark.parametrize(("precision", "parts"), [("float32", [Denoiser, Decoder]), ("bfloat16", [])])
def test_who_draws(precision: str, parts: list[type]) -> None:
    loaded = load_backend(Settings(threads=1, precision=precision))
    assert [type(part) for part in loaded._parts] == parts


def corners(rgb: np.ndarray) -> np.ndarray:
    """Mean colour of the upper corners, where the background is."""
    side = rgb.shape[0] // 8
    result: np.ndarray = np.mean([rgb[:side, :side], rgb[:side, -side:]], axis=(0, 1, 2))
    return result


def test_colour_words_steer_the_background(backend: DiffusersBackend) -> None:
    for channel, colour in enumerate(("red", "green", "blue")):
        mean = corners(draw(backend, f"a mushroom on a {colour} background"))
        assert np.argmax(mean) == channel, (colour, mean)


def test_times_of_day_steer_the_light(backend: DiffusersBackend) -> None:
    day, night = (draw(backend, f"a house in a meadow {time}").mean() for time in ("in daylight", "at night"))
    assert day > night + 25


def test_unknown_words_are_told(backend: DiffusersBackend) -> None:
    def check(prompt: str) -> tuple[str, ...]:
        return backend.check(Job(prompt, "", 1, *backend.default_size, 4, 1.0))

    assert check("a red fox in the snow at night") == ()
    (warning,) = check("a quasar in the snow")
    assert warning.endswith(": quasar")


def test_other_sizes_are_refused(backend: DiffusersBackend) -> None:
    with pytest.raises(BadRequest, match="generates 256x256"):
        backend.check(Job("x", "", 1, 512, 512, 4, 1.0))
    assert backend.nearest_size(1024, 1536) == (256, 256)


def test_what_comes_after_the_fortieth_token_does_not_reach_the_layout(backend: DiffusersBackend) -> None:
    long = "a red car on a beach at sunset " + "and a green tree " * 9
    other, another = (draw(backend, long + more, steps=2) for more in ("and a blue dog", "in the snow at night " * 5))
    assert np.array_equal(other, another)


def test_any_text_is_a_prompt(backend: DiffusersBackend) -> None:
    for prompt in ("狐狸在雪地里", "🦊❄️", "\x00\n\t", "x" * 2000, "</w><|endoftext|>"):
        assert draw(backend, prompt, steps=1).shape == (256, 256, 3)


PROMPTS = [
    "a red fox in the snow at night",
    "a mushroom on a blue background",
    "a sailboat by the sea at sunset",
    "a castle in the mountains",
    "a robot in a city at night",
    "an apple on a white background",
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_its_pictures_are_recovered_after_strip_half_size_and_jpeg_70(
    build: Build, backend: DiffusersBackend, installation: Installation, prompt: str
) -> None:
    released = build(backend).release(Order(prompt=prompt, seed=7))
    report = installation.examiner.examine(jpeg(pixels(released.data), 70, (128, 128)))
    assert report.outcome is Outcome.VERIFIED
    assert report.claimed.state == "recovered"


def test_altered_weights_do_not_draw(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = card_module.Card._check

    def altered(card: Card, path: str) -> None:
        if path.startswith("unet/"):
            raise DigestMismatch("unet has another SHA-256")
        real(card, path)

    monkeypatch.setattr(card_module.Card, "_check", altered)
    with pytest.raises(Unavailable, match="another SHA-256"):
        _ = open_installation(settings).gateway
