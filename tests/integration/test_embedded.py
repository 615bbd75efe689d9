"""The embedded model: a real diffusers pipeline, which runs without diffusers, and whose prompts steer the picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import Card, DigestMismatch, ModelFault, find_card
from models import cards as card_module
from service.examiner.policy import Outcome
from service.gateway.order import Order
from service.generation import Backend, Canvas, Job, ModelOptions
from service.generation.adapter import Adapter
from service.generation.diffusers import loading as diffusers_loading
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import EMBEDDED
from service.generation.embedded.backend import EmbeddedBackend
from service.generation.folders import file_digest
from service.generation.loading import load_backend
from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, Cancelled, NothingKnown, Unavailable
from service.kit.settings import Settings
from tests.integration.test_story import jpeg, pixels
from tests.support import adapters
from tests.support.gateway import Build


@pytest.fixture(scope="module")
def backend() -> EmbeddedBackend:
    loaded = load_backend(Settings(threads=1))
    assert isinstance(loaded, EmbeddedBackend)
    return loaded


@pytest.fixture(scope="module")
def in_torch() -> DiffusersBackend:
    return diffusers_loading.load_backend(Settings(threads=1))


def draw(backend: Backend, prompt: str, seed: int = 7, steps: int = 8) -> np.ndarray:
    width, height = backend.default_size
    job = Job(prompt, "", seed, width, height, steps, backend.default_guidance)
    return backend.render(job, lambda done, total: None)


def test_it_is_a_plain_stable_diffusion_pipeline() -> None:
    from diffusers import AutoPipelineForText2Image, StableDiffusionPipeline

    loaded = AutoPipelineForText2Image.from_pretrained(find_card(EMBEDDED).verified_root(), local_files_only=True)
    assert type(loaded) is StableDiffusionPipeline


def test_the_same_seed_gives_the_same_picture(backend: EmbeddedBackend) -> None:
    one, two, other = (draw(backend, "a frog in a meadow", seed, 2) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


LAND = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8).repeat(64, 0).repeat(64, 1)
MIDDLE = np.zeros((256, 256), bool)
MIDDLE[60:150, 90:201] = True
FROG = Job("a frog in a meadow", "", 7, 256, 256, 3, 4.0)
LONG = "a red car on a beach at sunset " + "and a green tree " * 9
DPM = ModelOptions(scheduler="dpmpp_2m")


@pytest.mark.parametrize(
    "job",
    [
        FROG,
        replace(FROG, prompt=LONG, negative_prompt="night", guidance=6.5, seed=2**40 + 5),
        replace(FROG, prompt="a fox 狐 </w><|endoftext|> CAFÉ Straße It's 1\x00", guidance=1.0),
        replace(FROG, steps=4, options=DPM),
        replace(FROG, steering=1, steps=6),
        replace(FROG, steering=3, steps=2),
        replace(FROG, canvas=Canvas(LAND, None, 0.7)),
        replace(FROG, canvas=Canvas(LAND, MIDDLE, 1.0), options=DPM),
        replace(FROG, canvas=Canvas(LAND, MIDDLE, 0.8), steps=4),
    ],
    ids=["plain", "long", "unguided", "dpm", "steered", "steered at once", "edit", "mask, dpm", "mask"],
)
def test_diffusers_draws_the_same_to_the_eye(backend: EmbeddedBackend, in_torch: DiffusersBackend, job: Job) -> None:
    done: list[list[tuple[int, int]]] = [[], []]
    backends: tuple[Backend, ...] = (backend, in_torch)
    pictures = [
        one.render(job, lambda *step, to=steps: to.append(step)) for one, steps in zip(backends, done, strict=True)
    ]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1
    assert done[0] == done[1]
    assert backend.check(job) == in_torch.check(job)


def test_it_says_the_same_of_itself_as_diffusers(backend: EmbeddedBackend, in_torch: DiffusersBackend) -> None:
    names = ("identity", "folder", "default_size", "default_steps", "high_steps", "default_guidance", "most_steering")
    for name in (*names, "reference_digest"):
        assert getattr(backend, name) == getattr(in_torch, name), name
    assert backend.fitting(1234, 567) == in_torch.fitting(1234, 567) == backend.nearest_size(9, 9)


def test_a_prompt_of_which_it_knows_nothing_is_refused_as_by_diffusers(
    backend: EmbeddedBackend, in_torch: DiffusersBackend
) -> None:
    job = replace(FROG, prompt="quasar xylophonist")
    for one in (backend, in_torch):
        with pytest.raises(NothingKnown):
            one.check(job)
        one.check(replace(job, canvas=Canvas(LAND, None, 0.7)))


def test_a_cancelled_picture_stops_at_the_next_step(backend: EmbeddedBackend) -> None:
    def stop(done: int, total: int) -> None:
        if done == 1:
            raise Cancelled("enough", stage="render")

    with pytest.raises(Cancelled):
        backend.render(FROG, stop)


@pytest.mark.parametrize(
    "job", [replace(FROG, steering=1, guidance=1.0), replace(FROG, width=512), replace(FROG, steps=0)]
)
def test_what_it_cannot_do_is_refused(backend: EmbeddedBackend, job: Job) -> None:
    def order() -> None:
        backend.check(job)
        backend.render(job, lambda done, total: None)

    with pytest.raises((BadRequest, ModelFault)):
        order()


def test_pictures_drawn_together_are_those_drawn_singly_to_the_eye(backend: EmbeddedBackend) -> None:
    jobs = [Job("a frog in a meadow", "", seed, 256, 256, 2, 4.0) for seed in (1, 2)]
    together = backend.render_batch(jobs, lambda done, total: None)
    for picture, job in zip(together, jobs, strict=True):
        assert np.abs(picture.astype(int) - draw(backend, job.prompt, job.seed, 2)).max() <= 1


def test_steering_reaches_the_picture(backend: EmbeddedBackend) -> None:
    job = Job("a frog in a meadow", "", 7, 256, 256, 2, 4.0)
    as_asked, steered = (backend.render(one, lambda done, total: None) for one in (job, replace(job, steering=3)))
    assert not np.array_equal(as_asked, steered)


def test_an_adapter_reaches_the_picture(
    backend: EmbeddedBackend, in_torch: DiffusersBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes torch's layers, so torch has to draw."""
    monkeypatch.setattr(backend, "_load_torch", lambda: in_torch)
    file = adapters.lora(tmp_path / "a.safetensors", in_torch._pipeline.unet)
    worn = Adapter("style", "lora", file_digest(file), file, 1.0)
    job = Job("a frog in a meadow", "", 7, 256, 256, 2, 4.0)
    before, changed, after = (
        backend.render(replace(job, adapters=on), lambda done, total: None) for on in ((), (worn,), ())
    )
    assert np.array_equal(before, after)
    assert np.abs(before.astype(int) - changed).mean() > 1
    assert backend.check(replace(job, adapters=(worn,))) == ()


def test_a_scheduler_that_only_diffusers_has_draws_too(
    backend: EmbeddedBackend, in_torch: DiffusersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "_load_torch", lambda: in_torch)
    job = replace(FROG, options=ModelOptions(scheduler="euler"))
    expected = in_torch.render(job, lambda done, total: None)
    assert np.array_equal(backend.render(job, lambda done, total: None), expected)
    with pytest.raises(BadRequest, match="heun"):
        backend.check(replace(FROG, options=ModelOptions(scheduler="heun")))


def test_in_another_precision_torch_draws() -> None:
    assert isinstance(load_backend(Settings(threads=1, precision="bfloat16")), DiffusersBackend)


def corners(rgb: np.ndarray) -> np.ndarray:
    """Mean colour of the upper corners, where the background is."""
    side = rgb.shape[0] // 8
    result: np.ndarray = np.mean([rgb[:side, :side], rgb[:side, -side:]], axis=(0, 1, 2))
    return result


def test_colour_words_steer_the_background(backend: EmbeddedBackend) -> None:
    for channel, colour in enumerate(("red", "green", "blue")):
        mean = corners(draw(backend, f"a mushroom on a {colour} background"))
        assert np.argmax(mean) == channel, (colour, mean)


def test_times_of_day_steer_the_light(backend: EmbeddedBackend) -> None:
    day, night = (draw(backend, f"a house in a meadow {time}").mean() for time in ("in daylight", "at night"))
    assert day > night + 25


def test_unknown_words_are_told(backend: EmbeddedBackend) -> None:
    def check(prompt: str) -> tuple[str, ...]:
        return backend.check(Job(prompt, "", 1, *backend.default_size, 4, 1.0))

    assert check("a red fox in the snow at night") == ()
    (warning,) = check("a quasar in the snow")
    assert warning.endswith(": quasar")


def test_other_sizes_are_refused(backend: EmbeddedBackend) -> None:
    with pytest.raises(BadRequest, match="generates 256x256"):
        backend.check(Job("x", "", 1, 512, 512, 4, 1.0))
    assert backend.nearest_size(1024, 1536) == (256, 256)


def test_what_comes_after_the_fortieth_token_does_not_reach_the_layout(backend: EmbeddedBackend) -> None:
    long = "a red car on a beach at sunset " + "and a green tree " * 9
    other, another = (draw(backend, long + more, steps=2) for more in ("and a blue dog", "in the snow at night " * 5))
    assert np.array_equal(other, another)


def test_any_text_is_a_prompt(backend: EmbeddedBackend) -> None:
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
    build: Build, backend: EmbeddedBackend, installation: Installation, prompt: str
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
