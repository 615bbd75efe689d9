"""Held pictures: kept for an operator, released by one and never without; refused and expired ones are gone."""

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from detectors import Face, fingerprint
from service.access.client import Client
from service.access.tenants import Terms
from service.adapters.registry import AdapterCard
from service.api import create_app
from service.api.dependencies import services_of
from service.cli import files
from service.cli.app import app
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job, OnStep
from service.installation import Installation, open_installation
from service.kit.errors import (
    BadRequest,
    Blocked,
    Cancelled,
    FileUnreadable,
    Gone,
    LikenessHeld,
    LikenessRefused,
    Misconfigured,
    NotFound,
    Refusal,
    StageFailed,
    Unavailable,
    Unsafe,
)
from service.kit.settings import PREFIX, Settings
from service.likeness.checks import Likeness
from service.media.pictures import ImageLimits, decode, encode
from service.moderation.hash_lists import Listed
from tests.support import waiting
from tests.support.database import engine_of
from tests.support.disk import copy_home
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter, finding, landscape
from tests.support.people import ANN, BOB, ByColour, enrolled, portrait

runner = CliRunner()
NEAR_ANN = (250, 110, 0)  # .44 away: more than strict, less than the review distance
ORDER = Order(prompt="a secret garden", seed=1)
WHY = ("Olga Operator", "it is somebody else")
URL = "/v1/images/generations"


class Similar(Painter):
    """Paints somebody who may be Ann, whatever it is asked for, each seed another picture."""

    drawn = 0

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        Similar.drawn += 1
        picture = super().render(job, on_step).copy()
        picture[:20, :20] = 255  # whatever the landscape is, the face ends here
        picture[:16, :16] = NEAR_ANN
        return picture


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", threads=1, provider="Test Installation", held_retention_days=7)


@pytest.fixture
def installation(settings: Settings, home_template: Path) -> Iterator[Installation]:
    copy_home(home_template, settings)
    opened = open_installation(settings)
    opened.likeness = Likeness(opened.consent, ByColour, 0.5, "default")
    yield opened
    opened.close()


@pytest.fixture
def gateway(build: Build, installation: Installation) -> Gateway:
    enrolled(installation.consent)
    installation._gateway = build(Similar(), likeness=installation.likeness, review_queue=installation.review_queue)
    return installation._gateway


@pytest.fixture
def client(installation: Installation, gateway: Gateway) -> TestClient:
    return TestClient(create_app(installation), raise_server_exceptions=False)


def hold(gateway: Gateway, client: Client = Client(), order: Order = ORDER) -> str:  # noqa: B008 - it is frozen
    with pytest.raises(LikenessHeld) as held:
        gateway.release(order, client=client)
    assert held.value.content_id
    return held.value.content_id


def boxes(installation: Installation) -> int:
    folder = installation.settings.home / "held"
    return len(list(folder.iterdir())) if folder.exists() else 0


def said(installation: Installation, content_id: str) -> list[str]:
    return [d.kind for d in installation.ledger.decided(content_id)]


def test_off_is_as_before(build: Build, installation: Installation, settings: Settings) -> None:
    off = open_installation(settings.model_copy(update={"held_retention_days": 0}))
    enrolled(installation.consent)
    for held in (None, off.review_queue):
        content_id = hold(build(Similar(), likeness=installation.likeness, review_queue=held))
        assert said(installation, content_id) == ["refused"]
        with pytest.raises(NotFound):
            build(Similar(), likeness=installation.likeness, review_queue=held).hand_over(content_id)
    assert boxes(installation) == 0
    off.close()


def test_from_a_held_picture_to_a_released_one(
    gateway: Gateway, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Similar, "drawn", 0)
    content_id = hold(gateway)
    assert said(installation, content_id) == ["held", "refused"]
    seen = installation.review_queue.look(content_id).rgb
    installation.review_queue.release(content_id, *WHY)
    released = gateway.hand_over(content_id)
    admitted = released.admitted
    assert Similar.drawn == 1
    assert np.array_equal(released.proven.signed.marked.cleared.draft.rgb, seen)
    assert (admitted.content_id, admitted.job.prompt, admitted.job.seed) == (content_id, ORDER.prompt, ORDER.seed)
    assert installation.credentials.read(released.data, released.mime).state == "trusted"
    reading = installation.codec.extract(decode(released.data, ImageLimits(1 << 20, 1 << 20)).rgb)
    assert reading is not None
    assert reading.mark_id == admitted.mark_id
    assert said(installation, content_id) == ["held", "refused", "held", "override", "issued"]
    override, issued = installation.ledger.decided(content_id)[-2:]
    assert json.loads(issued.body)["review"] == [override.hash]
    audit = installation.ledger.verify()
    assert (audit.images, audit.problems) == (1, ())
    assert boxes(installation) == 0
    with pytest.raises(Gone):
        gateway.hand_over(content_id)


def test_the_refusal_says_where_to_ask_and_names_nobody(gateway: Gateway, installation: Installation) -> None:
    with pytest.raises(LikenessHeld) as held:
        gateway.release(ORDER)
    assert f"/v1/images/held/{held.value.content_id}" in held.value.hint
    for subject in installation.consent.subjects.everybody():
        assert subject.id not in held.value.hint + held.value.message


def test_without_a_decision_it_never_leaves(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    with pytest.raises(BadRequest, match="waiting"):
        gateway.hand_over(content_id)
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql("UPDATE held SET status = 'released'")
    with pytest.raises(Misconfigured, match="no decision"):
        gateway.hand_over(content_id)
    assert installation.ledger.verify().images == 0


def test_a_review_is_of_one_picture_alone(gateway: Gateway, installation: Installation) -> None:
    installation.review_queue.release(hold(gateway), *WHY)
    other = hold(gateway, order=ORDER.model_copy(update={"seed": 2}))
    with pytest.raises(BadRequest, match="waiting"):
        gateway.hand_over(other)
    hold(gateway)  # nor of the same order, drawn again


# What is never kept.


def test_an_unsafe_picture_is_not_kept(build: Build, installation: Installation) -> None:
    enrolled(installation.consent)
    unsafe = build(
        Similar(),
        [Checker(lambda images: [finding(0.9)])],
        likeness=installation.likeness,
        review_queue=installation.review_queue,
    )
    with pytest.raises(Unsafe):
        unsafe.release(ORDER)
    assert boxes(installation) == 0
    assert list(installation.review_queue.queue()) == []


@pytest.mark.parametrize("answer", [lambda images: [], lambda images: [finding(float("nan"))]])
def test_nor_one_that_a_checker_says_nothing_of(
    build: Build, installation: Installation, answer: Callable[..., object]
) -> None:
    enrolled(installation.consent)
    with pytest.raises(StageFailed):
        build(
            Similar(), [Checker(answer)], likeness=installation.likeness, review_queue=installation.review_queue
        ).release(ORDER)
    assert boxes(installation) == 0


def test_nor_one_that_surely_shows_somebody(build: Build, installation: Installation) -> None:
    class Both(ByColour):
        """Sees Ann in every picture, beside whom else it sees."""

        def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
            return [*super().__call__(rgb), *super().__call__(portrait(ANN))]

    enrolled(installation.consent)
    likeness = Likeness(installation.consent, Both, 0.5, "default")
    with pytest.raises(LikenessRefused):
        build(Similar(), likeness=likeness, review_queue=installation.review_queue).release(ORDER)
    assert boxes(installation) == 0


def test_a_full_disk_is_the_same_refusal(
    gateway: Gateway, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.kit.home.create", full)
    content_id = hold(gateway)
    assert said(installation, content_id) == ["refused"]


# Every check but the one runs again when it is handed over.


def test_an_unsafe_one_is_shredded(build: Build, gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    strict = build(
        Similar(),
        [Checker(lambda images: [finding(0.9)])],
        likeness=installation.likeness,
        review_queue=installation.review_queue,
    )
    with pytest.raises(Unsafe):
        strict.hand_over(content_id)
    assert boxes(installation) == 0
    with pytest.raises(Gone):
        gateway.hand_over(content_id)
    assert said(installation, content_id)[-2:] == ["refused", "held"]


def test_a_blocked_one_is_shredded(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    bits = fingerprint(installation.review_queue.look(content_id).rgb).bits
    installation.blocklist.add([Listed("pdq", bits.hex())], "ncii", "test")
    with pytest.raises(Blocked):
        gateway.hand_over(content_id)
    assert boxes(installation) == 0


def test_who_became_protected_since_is_looked_at_again(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    nearer = enrolled(installation.consent, (250, 110, 102))  # .41 from the picture, nearer than Ann
    with pytest.raises(LikenessHeld) as held:
        gateway.hand_over(content_id)
    assert held.value.subjects == (nearer.subject,)
    with pytest.raises(BadRequest, match="waiting"):
        gateway.hand_over(content_id)
    installation.review_queue.release(content_id, *WHY)
    assert gateway.hand_over(content_id)


def test_who_is_surely_shown_since_is_refused(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    enrolled(installation.consent, NEAR_ANN)
    with pytest.raises(LikenessRefused):
        gateway.hand_over(content_id)
    assert boxes(installation) == 0


def test_a_review_does_not_stand_in_for_a_grant(gateway: Gateway, installation: Installation) -> None:
    """The order named a grant of Bob's, which ends while the picture waits."""
    bob = enrolled(installation.consent, BOB)
    grant = installation.consent.grants.give(bob.subject, "a poster", ["portrait"], "default", dt.timedelta(days=1))
    content_id = hold(gateway, order=ORDER.model_copy(update={"grants": (grant.id,)}))
    installation.review_queue.release(content_id, *WHY)
    installation.consent.grants.revoke(grant.id)
    with pytest.raises(LikenessRefused):
        gateway.hand_over(content_id)


def test_a_failing_stage_costs_nothing(build: Build, gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    broken = build(
        Similar(), [Checker(lambda images: [])], likeness=installation.likeness, review_queue=installation.review_queue
    )
    with pytest.raises(StageFailed):
        broken.hand_over(content_id)
    assert gateway.hand_over(content_id)


def test_two_at_once_get_one_picture(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    together = threading.Barrier(2)
    mark, got, lost = installation.codec.embed, [], []

    def embed(*args: object) -> object:
        together.wait(10)
        return mark(*args)  # type: ignore[arg-type]

    gateway.mark._codec = SimpleNamespace(  # type: ignore[assignment]
        embed=embed, extract=installation.codec.extract, read=installation.codec.read
    )

    def fetch() -> None:
        try:
            got.append(gateway.hand_over(content_id))
        except Refusal as refusal:
            lost.append(refusal)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), [type(each) for each in lost]) == (1, [Gone])
    assert installation.ledger.verify().images == 1


def test_another_pipeline_does_not_vouch_for_it(build: Build, gateway: Gateway, installation: Installation) -> None:
    class Other(Similar):
        identity = type(Painter.identity)("another", "2", "1" * 64)

    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    with pytest.raises(Unavailable, match="painter"):
        build(Other(), likeness=installation.likeness, review_queue=installation.review_queue).hand_over(content_id)
    assert gateway.hand_over(content_id).admitted.model == Painter.identity


def listed(installation: Installation, content: bytes) -> None:
    """The adapter `style` of these bytes, with nobody in it; put there as if another file could take its name."""
    folder = installation.settings.home / "adapters"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "style.safetensors").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    samples = installation.adapters.seal("style", digest, 3, "0" * 64, [])
    card = AdapterCard(name="style", kind="lora", digest=digest, size=len(content), samples=samples)
    (folder / "style.json").write_text(card.model_dump_json(exclude_none=True))
    installation.ledger.record("adapter", "style", {"action": "added", "digest": digest})


def test_another_file_of_the_same_name_does_not_vouch_for_it(gateway: Gateway, installation: Installation) -> None:
    listed(installation, b"first")
    content_id = hold(gateway, order=ORDER.model_copy(update={"adapters": ("style:1",)}))
    installation.review_queue.release(content_id, *WHY)
    listed(installation, b"second")
    with pytest.raises(Unavailable, match="adapter"):
        gateway.hand_over(content_id)
    assert installation.ledger.verify().images == 0
    listed(installation, b"first")
    assert gateway.hand_over(content_id).admitted.job.adapters[0].digest == hashlib.sha256(b"first").hexdigest()


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": None, "quality": "high", "format": "jpeg"},
        {"upscale": "lanczos", "width": 512, "height": 512},
        {"negative_prompt": "x", "steps": 2, "guidance": 3.0, "width": 320},
    ],
)
def test_the_order_is_the_same_when_it_goes_on(
    gateway: Gateway, installation: Installation, fields: dict[str, object]
) -> None:
    content_id = hold(gateway, order=Order.model_validate({"prompt": "a secret garden", **fields}))
    installation.review_queue.release(content_id, *WHY)
    kept, _ = installation.review_queue.reviewed(content_id, "")
    released = gateway.hand_over(content_id)
    job = released.admitted.job
    settled = (job.seed, job.width, job.height, job.steps, job.guidance, job.options.upscale)
    order = kept.order
    assert settled == (order.seed, order.width, order.height, order.steps, order.guidance, order.upscale)
    assert not [warning for warning in released.admitted.warnings if "quality" in warning]
    assert released.admitted.format == order.format


def test_a_changed_picture_is_held_and_goes_on_with_its_source(gateway: Gateway, installation: Installation) -> None:
    scene = landscape(5, 256, 256)
    scene[:16, :16] = 128  # nobody
    source = encode(scene, "png")[0]
    content_id = hold(gateway, order=Order(prompt="a lake", image=source, strength=0.5))
    installation.review_queue.release(content_id, *WHY)
    released = gateway.hand_over(content_id)
    assert [image.sha256 for image in released.admitted.inputs] == [hashlib.sha256(source).hexdigest()]


# The API.


def bearer(installation: Installation, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {installation.tenants.add(Terms(name=name)).key}"}


def test_a_client_asks_until_it_is_there_and_gets_it_once(client: TestClient, installation: Installation) -> None:
    refused = client.post(URL, json={"prompt": "a portrait", "output_format": "webp"})
    assert (refused.status_code, refused.json()["code"]) == (403, "likeness_held")
    content_id = refused.json()["appeal"]
    here = f"/v1/images/held/{content_id}"
    assert here in refused.json()["hint"]
    waiting = client.get(here)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "waiting")
    assert "S-" not in waiting.text
    installation.review_queue.release(content_id, *WHY)
    answer = client.get(here)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["mime"], body["countermark"]["content_id"]) == ("image/webp", content_id)
    data = base64.b64decode(body["data"][0]["b64_json"])
    assert installation.credentials.read(data, "image/webp").state == "trusted"
    gone = client.get(here)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    assert client.get("/v1/images/held/urn:uuid:none").status_code == 404


def test_a_refused_one_is_gone(client: TestClient, installation: Installation, gateway: Gateway) -> None:
    content_id = hold(gateway)
    installation.review_queue.refuse(content_id, *WHY)
    answer = client.get(f"/v1/images/held/{content_id}")
    assert answer.status_code == 410
    assert WHY[1] not in answer.text


def test_only_who_ordered_it_gets_it(client: TestClient, installation: Installation) -> None:
    acme, other = bearer(installation, "acme"), bearer(installation, "other")
    content_id = client.post(URL, json={"prompt": "a portrait"}, headers=acme).json()["appeal"]
    here = f"/v1/images/held/{content_id}"
    installation.review_queue.release(content_id, *WHY)
    assert client.get(here).status_code == 401
    assert client.get(here, headers=other).status_code == 404
    rotated = {"Authorization": f"Bearer {installation.tenants.rotate('acme').key}"}
    assert client.get(here, headers=acme).status_code == 401
    assert client.get(here, headers=rotated).status_code == 200
    assert json.loads(installation.ledger.decided(content_id)[-1].body)["tenant"] == "acme"


@pytest.fixture
def served(installation: Installation, gateway: Gateway) -> Iterator[str]:
    with waiting.served(create_app(installation)) as address:
        yield address


def test_who_leaves_can_ask_again(
    served: str, gateway: Gateway, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    prove, refuse = gateway.prove, installation.ledger.refuse
    begun, written, left = threading.Event(), threading.Event(), waiting.seen_leaving(monkeypatch)

    def proven(*args: object) -> object:
        begun.set()
        assert left.wait(waiting.LONGEST)
        return prove(*args)  # type: ignore[arg-type]

    def refused(*args: object) -> object:
        try:
            return refuse(*args)  # type: ignore[arg-type]
        finally:
            written.set()

    installation._gateway = dataclasses.replace(gateway, prove=proven)  # type: ignore[arg-type]
    monkeypatch.setattr(installation.ledger, "refuse", refused)
    here = f"{served}/v1/images/held/{content_id}"
    waiting.hang_up(here, begun)
    assert written.wait(waiting.LONGEST)
    assert installation.ledger.verify().images == 0
    assert httpx.get(here, timeout=30).json()["countermark"]["content_id"] == content_id


def test_fetching_takes_no_place_of_the_examiner(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    app = create_app(installation)
    services_of(app).image_threads.shutdown()
    client = TestClient(app)
    assert client.get(f"/v1/images/held/{content_id}").status_code == 200


def test_who_leaves_while_it_waits_to_be_recorded_loses_nothing(gateway: Gateway, installation: Installation) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    stages: list[str] = []
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(len(stages))
        return asked.count(5) > 1  # the second time after `prove`, in the transaction

    with pytest.raises(Cancelled):
        gateway.hand_over(
            content_id, ReleaseObserver(on_stage=lambda stage, seconds: stages.append(stage), cancelled=cancelled)
        )
    assert stages[-2:] == ["prove", "issue"]
    assert gateway.hand_over(content_id)


def test_what_refuses_it_at_last_is_told(client: TestClient, installation: Installation, gateway: Gateway) -> None:
    content_id = hold(gateway)
    installation.review_queue.release(content_id, *WHY)
    enrolled(installation.consent, NEAR_ANN)
    answer = client.get(f"/v1/images/held/{content_id}")
    assert (answer.status_code, answer.json()["code"]) == (403, "likeness_refused")


# The command line.


def held(*words: str) -> Result:
    return runner.invoke(app, ["review", *words])


@pytest.fixture
def at_the_desk(installation: Installation, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv(PREFIX + "HELD_RETENTION_DAYS", "7")
    monkeypatch.setattr(Installation, "gateway", property(lambda self: gateway))
    return installation


def test_an_operator_looks_and_decides(at_the_desk: Installation, gateway: Gateway, tmp_path: Path) -> None:
    content_id = hold(gateway)
    (told,) = (json.loads(line) for line in held("list", "--json").stdout.splitlines())
    assert (told["id"], told["status"]) == (content_id, "waiting")
    assert "waiting" in held("list").stdout
    seen, file = tmp_path / "look.png", tmp_path / "fetched.png"
    assert held("show", content_id, "-o", str(seen), "--operator", WHY[0]).exit_code == 0
    assert seen.stat().st_mode & 0o077 == 0
    pixels = at_the_desk.review_queue.look(content_id).rgb
    assert seen.read_bytes() == encode(pixels, "png")[0]
    assert held("show", content_id, "-o", str(seen)).exit_code != 0  # it is there already
    assert held("fetch", content_id, "-o", str(file)).exit_code != 0
    done = held("release", content_id, "--operator", WHY[0], "--reason", WHY[1], "--json")
    assert json.loads(done.stdout) == {"picture": content_id, "status": "released"}
    told = json.loads(held("fetch", content_id, "-o", str(file), "--json").stdout)
    assert (told["content_id"], told["mime"]) == (content_id, "image/png")
    assert at_the_desk.credentials.read(file.read_bytes(), "image/png").state == "trusted"
    assert isinstance(held("fetch", content_id, "-o", str(tmp_path / "again.png")).exception, Gone)
    assert held("list", "--json").stdout == ""
    assert WHY[1] in json.loads(held("list", "--all", "--json").stdout)["reason"]


def test_what_cannot_be_written_where_it_should_be_is_not_lost(
    at_the_desk: Installation, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_id = hold(gateway)
    at_the_desk.review_queue.release(content_id, *WHY)
    write, out = files.write, str(tmp_path / "fetched.png")

    def full(name: str, data: bytes, mode: int = 0o666) -> None:
        if name == out:
            raise OSError(28, "No space left on device")
        write(name, data, mode)

    monkeypatch.setattr(files, "write", full)
    lost = held("fetch", content_id, "-o", out).exception
    assert isinstance(lost, FileUnreadable)
    (kept,) = at_the_desk.settings.home.glob("*.png")
    assert str(kept) in lost.hint
    assert at_the_desk.credentials.read(kept.read_bytes(), "image/png").state == "trusted"


def test_what_an_operator_looks_at_is_nobody_elses_from_the_first(
    at_the_desk: Installation, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    replace = Path.replace

    def seen(self: Path, target: Path) -> Path:
        if target.name == "look.png":
            modes.append(self.stat().st_mode & 0o777)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", seen)
    assert held("show", hold(gateway), "-o", str(tmp_path / "look.png")).exit_code == 0
    assert modes == [0o600]


def test_an_operator_refuses(at_the_desk: Installation, gateway: Gateway) -> None:
    content_id = hold(gateway)
    assert held("refuse", content_id, "--operator", WHY[0]).exit_code == 2
    assert "refused" in held("refuse", content_id, "--operator", WHY[0], "--reason", WHY[1]).stdout
    assert boxes(at_the_desk) == 0
    assert held("purge").stdout == ""
