"""Adapters from their file to a signed picture: who may be in it, and that nothing of one order stays for the next."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from models import DigestMismatch, ModelFault, ModelMissing
from service.adapters.approval import Approval, TrainedOnSubject
from service.cli.app import app
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job
from service.generation.adapter import Adapter
from service.generation.diffusers.adapter_attachments import check_adapters
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.layer_snapshot import LayerSnapshot
from service.generation.diffusers.loading import load_backend
from service.generation.folders import file_digest
from service.installation import Installation
from service.kit.errors import (
    AdapterRefused,
    BadRequest,
    Error,
    LikenessHeld,
    LikenessRefused,
    NotFound,
    StageFailed,
    Unavailable,
)
from service.kit.settings import Settings, load_settings
from service.likeness import comparison
from service.likeness.checks import Likeness
from tests.integration.test_consent import Portraits, grant
from tests.support import adapters, families, pipelines
from tests.support.gateway import Build
from tests.support.painter import Painter, ignore
from tests.support.people import BOB, ByColour, enrolled, photo, revoking

runner = CliRunner()
JOB = Job("a lake", "", 7, 128, 128, 2, 5.0)


# On a pipeline, and off again.


@pytest.fixture(scope="module", params=["stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3", "flux"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    make = getattr(pipelines, request.param, None) or getattr(families, request.param)
    folder = make(tmp_path_factory.mktemp(request.param) / "pipeline")
    return load_backend(Settings(pipeline=str(folder), threads=1))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    folder = pipelines.stable_diffusion(tmp_path_factory.mktemp("small") / "pipeline")
    return load_backend(Settings(pipeline=str(folder), threads=1))


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    return load_backend(Settings(pipeline=str(families.flux(tmp_path_factory.mktemp("flux") / "pipeline")), threads=1))


def put(path: Path, kind: str = "lora", name: str = "style", scale: float = 1.0) -> Adapter:
    return Adapter(name, kind, file_digest(path), path, scale)  # type: ignore[arg-type]


def lora(path: Path, backend: DiffusersBackend, seed: int = 1) -> Adapter:
    part = "unet" if hasattr(backend._pipeline, "unet") else "transformer"
    return put(adapters.lora(path, getattr(backend._pipeline, part), part, seed))


def test_a_lora_changes_one_picture_and_not_the_next(backend: DiffusersBackend, tmp_path: Path) -> None:
    adapter = lora(tmp_path / "a.b.safetensors", backend)
    plain = backend.render(JOB, ignore)
    drawn = [backend.render(replace(JOB, adapters=(replace(adapter, scale=s),)), ignore) for s in (0.0, 0.5, 2.0)]
    assert np.array_equal(drawn[0], plain)
    assert not np.array_equal(drawn[1], plain)
    assert not np.array_equal(drawn[1], drawn[2])
    assert np.array_equal(backend.render(JOB, ignore), plain)


def test_two_loras_add_up(small: DiffusersBackend, tmp_path: Path) -> None:
    one, other = (lora(tmp_path / f"{seed}.safetensors", small, seed) for seed in (1, 2))
    drawn = [small.render(replace(JOB, adapters=worn), ignore) for worn in ((one,), (other,), (one, other))]
    assert not any(np.array_equal(a, b) for a, b in ((drawn[0], drawn[1]), (drawn[0], drawn[2]), (drawn[1], drawn[2])))


def test_a_word_means_something_for_one_picture(small: DiffusersBackend, tmp_path: Path) -> None:
    learnt = put(adapters.word(tmp_path / "a.safetensors"), "textual-inversion", "my.cat")
    says = replace(JOB, prompt=f"a lake {learnt.word}")
    plain, unknown = small.render(JOB, ignore), small.render(says, ignore)
    assert not np.array_equal(small.render(replace(says, adapters=(learnt,)), ignore), unknown)
    assert np.array_equal(small.render(replace(JOB, adapters=(learnt,)), ignore), plain)
    assert np.array_equal(small.render(says, ignore), unknown)
    both = (lora(tmp_path / "b.safetensors", small), learnt)
    assert not np.array_equal(small.render(replace(says, adapters=both), ignore), unknown)
    assert np.array_equal(small.render(JOB, ignore), plain)


def test_whatever_stops_a_picture_leaves_nothing_on(small: DiffusersBackend, tmp_path: Path) -> None:
    worn = lora(tmp_path / "a.safetensors", small), put(adapters.word(tmp_path / "b.safetensors"), "textual-inversion")
    plain = small.render(JOB, ignore)

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyError("stop")

    with pytest.raises(KeyError):
        small.render(replace(JOB, adapters=worn), stop)
    assert np.array_equal(small.render(JOB, ignore), plain)


@pytest.mark.parametrize("fault", ["nowhere", "of another model", "a word of another model"])
def test_one_that_does_not_fit_is_a_fault_and_leaves_nothing_on(
    small: DiffusersBackend, tmp_path: Path, fault: str
) -> None:
    plain = small.render(JOB, ignore)
    path = tmp_path / "a.safetensors"
    match fault:
        case "nowhere":
            unfit = put(adapters.any_lora(path))
        case "of another model":
            wide = type("Wide", (), {"in_features": 7, "out_features": 9})()
            names = [(name, wide) for name, _ in small._pipeline.unet.named_modules() if name.endswith("to_q")]
            unfit = put(adapters.lora(path, type("UNet", (), {"named_modules": lambda self: names})()))
        case _:
            unfit = put(adapters.word(path, width=31), "textual-inversion")
    with pytest.raises(ModelFault, match="does not fit"):
        small.render(replace(JOB, adapters=(lora(tmp_path / "b.safetensors", small), unfit)), ignore)
    assert np.array_equal(small.render(JOB, ignore), plain)


@pytest.mark.parametrize("layer", ["x_embedder", "transformer_blocks.0.attn.to_q"])
def test_one_that_widens_layers_is_a_fault_and_leaves_them_as_they_were(
    flux: DiffusersBackend, tmp_path: Path, layer: str
) -> None:
    plain, transformer = flux.render(JOB, ignore), flux._pipeline.transformer
    wider = put(adapters.wider_lora(tmp_path / "a.safetensors", transformer, layer))
    fits = lora(tmp_path / "b.safetensors", flux)
    for worn in ((wider,), (fits, wider)):
        with pytest.raises(ModelFault, match="does not fit this model"):
            flux.render(replace(JOB, adapters=worn), ignore)
        assert np.array_equal(flux.render(JOB, ignore), plain)
    assert transformer.config.in_channels == transformer.x_embedder.in_features
    assert not np.array_equal(flux.render(replace(JOB, adapters=(fits,)), ignore), plain)


def test_one_that_brings_norm_layers_is_a_fault_and_leaves_the_models_own(
    flux: DiffusersBackend, tmp_path: Path
) -> None:
    plain, transformer = flux.render(JOB, ignore), flux._pipeline.transformer
    norms = [put(adapters.norm_lora(tmp_path / f"{seed}.safetensors", transformer, seed)) for seed in (1, 2)]
    for worn in (norms, norms[:1]):
        with pytest.raises(ModelFault, match="it changes the layers of transformer"):
            flux.render(replace(JOB, adapters=tuple(worn)), ignore)
        assert np.array_equal(flux.render(JOB, ignore), plain)


def test_layers_that_cannot_be_put_back_stop_the_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend(Settings(pipeline=str(families.flux(tmp_path / "pipeline")), threads=1))
    monkeypatch.setattr(LayerSnapshot, "restore", lambda self: None)
    wider = put(adapters.wider_lora(tmp_path / "a.safetensors", backend._pipeline.transformer))
    with pytest.raises(ModelFault, match="has changed the layers of transformer"):
        backend.render(replace(JOB, adapters=(wider,)), ignore)
    with pytest.raises(ModelFault, match="earlier order"):
        backend.render(JOB, ignore)


def test_another_file_than_the_cards_is_not_put_on(small: DiffusersBackend, tmp_path: Path) -> None:
    adapter = lora(tmp_path / "a.safetensors", small)
    adapter.file.write_bytes(adapter.file.read_bytes()[:-1] + b"x")
    with pytest.raises(DigestMismatch):
        small.render(replace(JOB, adapters=(adapter,)), ignore)
    adapter.file.unlink()
    with pytest.raises(ModelMissing):
        small.render(replace(JOB, adapters=(adapter,)), ignore)


def test_a_pipeline_that_cannot_be_cleaned_draws_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend(Settings(pipeline=str(pipelines.stable_diffusion(tmp_path / "pipeline")), threads=1))
    monkeypatch.setattr(type(backend._pipeline), "unload_lora_weights", lambda self: None)
    worn = replace(JOB, adapters=(lora(tmp_path / "a.safetensors", backend),))
    with pytest.raises(ModelFault, match="could not be detached from unet"):
        backend.render(worn, ignore)
    with pytest.raises(ModelFault, match="earlier order"):
        backend.render(JOB, ignore)


def test_what_a_pipeline_has_no_place_for(backend: DiffusersBackend, tmp_path: Path) -> None:
    learnt = put(adapters.word(tmp_path / "a.safetensors"), "textual-inversion")
    with pytest.raises(BadRequest, match=r"has no scale|takes no|several text encoders"):
        backend.check(replace(JOB, adapters=(replace(learnt, scale=0.5),)))
    with pytest.raises(BadRequest, match="takes no lora"):
        check_adapters(object(), [replace(learnt, kind="lora")])


def test_without_the_package_it_is_said(
    small: DiffusersBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="peft"):
        small.check(replace(JOB, adapters=(lora(tmp_path / "a.safetensors", small),)))


# Through the gateway.


@pytest.fixture
def approval(installation: Installation, likeness: Likeness) -> Approval:
    return adapters.approval(installation, likeness)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return adapters.any_lora(tmp_path / "style.safetensors")


def order(*choices: str, **more: object) -> Order:
    return Order(prompt="a portrait", seed=1, adapters=choices, **more)  # type: ignore[arg-type]


class PaintsBob(Portraits):
    colour = BOB


class PaintsHisCousin(Portraits):
    colour = (110, 0, 250)


def test_an_adapter_that_is_not_on_the_list_is_refused_and_recorded(
    gateway: Gateway, installation: Installation
) -> None:
    with pytest.raises(AdapterRefused) as refused:
        gateway.release(order("ann-example"))
    (decision,) = installation.ledger.decided(str(refused.value.content_id))
    assert json.loads(decision.body)["code"] == "adapter_refused"
    assert "ann-example" not in decision.body


def test_a_picture_that_shows_nobody_of_the_samples_is_released(
    build: Build, approval: Approval, file: Path, installation: Installation, likeness: Likeness, tmp_path: Path
) -> None:
    card = adapters.of_bob(approval, file, tmp_path)
    assert card.samples is not None
    assert (card.samples.images, card.samples.faces) == (2, 1)
    for backend in (Painter(), Portraits()):  # a landscape; Ann, who is in no sample
        released = build(backend, likeness=likeness).release(order("style:0.5"))
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    assert json.loads(decision.body)["adapters"] == [{"name": "style", "digest": card.digest, "scale": 0.5}]
    assert b"org.countermark.adapters" in released.data
    assert card.digest.encode() in released.data
    assert installation.examiner.examine(released.data).verdict == "issued_here"
    assert b"org.countermark.adapters" not in build(Painter()).release(Order(prompt="a lake")).data


@pytest.mark.parametrize(("backend", "refusal"), [(PaintsBob, LikenessRefused), (PaintsHisCousin, LikenessHeld)])
def test_somebody_of_the_samples_does_not_come_out(
    build: Build,
    approval: Approval,
    file: Path,
    installation: Installation,
    likeness: Likeness,
    tmp_path: Path,
    backend: Callable[[], Painter],
    refusal: type[Error],
) -> None:
    adapters.of_bob(approval, file, tmp_path)
    gateway = build(backend(), likeness=likeness)
    assert gateway.release(Order(prompt="a portrait", seed=1))
    with pytest.raises(refusal, match="samples"):
        gateway.release(order("style"))
    assert installation.ledger.verify().images == 1


def test_samples_by_another_face_model_refuse(
    build: Build, approval: Approval, file: Path, installation: Installation, tmp_path: Path
) -> None:
    adapters.of_bob(approval, file, tmp_path)

    class Newer(ByColour):
        digest = "d" * 64

    with pytest.raises(StageFailed, match="different model"):
        build(Painter(), likeness=Likeness(installation.consent, Newer, 0.5, "default")).release(order("style"))


def test_an_adapter_of_somebody_needs_their_grant_each_time(
    build: Build, approval: Approval, file: Path, installation: Installation, likeness: Likeness
) -> None:
    ann = enrolled(installation.consent)
    given = grant(installation, ann.subject)
    approval.approve(file, "ann", TrainedOnSubject(ann.subject, given.id))
    gateway = build(Portraits(), likeness=likeness)
    released = gateway.release(order("ann"))
    assert given.receipt_digest.encode() in released.data
    assert [use.content_id for use in installation.consent.grants.uses_of(ann.subject)] == [
        released.admitted.content_id
    ]
    with pytest.raises(LikenessRefused, match="does not allow `commercial`"):
        gateway.release(order("ann", scope="commercial"))
    observer = ReleaseObserver(on_step=revoking(installation, given))
    with pytest.raises(LikenessRefused, match="ended while"):
        gateway.release(order("ann"), observer)
    with pytest.raises(LikenessRefused, match="revoked"):
        gateway.release(order("ann"))
    assert installation.ledger.verify().images == 1


def test_an_adapter_removed_while_its_picture_is_drawn_releases_nothing(
    build: Build, approval: Approval, file: Path, installation: Installation, likeness: Likeness, tmp_path: Path
) -> None:
    adapters.of_bob(approval, file, tmp_path)
    removing = ReleaseObserver(
        on_step=lambda done, total: installation.adapters.remove("style") if installation.adapters.cards() else None
    )
    with pytest.raises(AdapterRefused, match="removed from the list") as refused:
        build(Painter(), likeness=likeness).release(order("style"), removing)
    (decision,) = installation.ledger.decided(str(refused.value.content_id))
    assert (decision.kind, installation.ledger.verify().images) == ("refused", 0)


def test_an_adapter_of_somebody_lets_nobody_else_out(
    build: Build, approval: Approval, file: Path, installation: Installation, likeness: Likeness
) -> None:
    ann, _ = enrolled(installation.consent), enrolled(installation.consent, BOB)
    approval.approve(file, "ann", TrainedOnSubject(ann.subject, grant(installation, ann.subject).id))
    with pytest.raises(LikenessRefused):
        build(PaintsBob(), likeness=likeness).release(order("ann"))


def test_a_grant_for_another_tenant_does_not_serve(
    build: Build, approval: Approval, file: Path, installation: Installation, likeness: Likeness
) -> None:
    ann = enrolled(installation.consent)
    approval.approve(
        file, "ann", TrainedOnSubject(ann.subject, grant(installation, ann.subject, grantee="somebody").id)
    )
    with pytest.raises(LikenessRefused, match="somebody else"):
        build(Portraits(), likeness=likeness).release(order("ann"))


@pytest.fixture
def by_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "open_model", lambda _settings: ByColour())


def models(*words: object) -> Result:
    return runner.invoke(app, ["models", *map(str, words)])


def test_an_adapter_is_audited_from_the_command_line(
    by_colour: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pipelines.stable_diffusion(tmp_path / "pipeline")
    monkeypatch.setenv("COUNTERMARK_PIPELINE", str(folder))
    small = load_backend(load_settings())
    adapters.lora(tmp_path / "style.safetensors", small._pipeline.unet)
    photo(tmp_path / "samples" / "b.png", BOB)
    models("add-adapter", tmp_path / "style.safetensors", "--no-identity", "--samples", tmp_path / "samples")
    monkeypatch.setattr(DiffusersBackend, "default_steps", 1)
    done = models("audit-adapter", "style", "--images", "2", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["with_adapter"]["pictures"], told["without"]["pictures"]) == (2, 2)
    assert "in 2 images" in models("audit-adapter", "style", "--images", "2").stdout
    assert isinstance(models("audit-adapter", "nobody").exception, NotFound)
