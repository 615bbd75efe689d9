"""Gateways for tests: a builder that replaces any part, refusals, and stand-ins that fail in one way each."""

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypedDict, Unpack

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select

from models import ModelMissing
from service.gateway import screening as gateway_screening
from service.gateway.admission import Screen
from service.gateway.assembly import build_gateway
from service.gateway.options import GatewayOptions
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Backend, Job, OnStep
from service.installation import Installation
from service.keys import signing
from service.kit.errors import (
    Refusal,
    Unavailable,
)
from service.labels.labelling import NO_LABELS, Labels
from service.ledger.ledger import Ledger
from service.media.credentials import IsolatedSdk
from service.media.pictures import ImageLimits
from service.storage.tables import decisions
from tests.support.database import engine_of
from tests.support.painter import Checker, Painter, finding, landscape
from tests.support.prompts import Screen as ScriptedScreen
from watermark import Codec, Extraction, Reading
from watermark.c2pa.credentials import Credentials


class Parts(TypedDict, total=False):
    """What a test may put in the place of the installation's own part; fakes need not be of the real type."""

    codec: object
    credentials: object
    ledger: object
    publisher: object
    blocklist: object
    likeness: object
    adapters: object
    review_queue: object


class Build(Protocol):
    """Builds a gateway; see `builder`."""

    def __call__(
        self,
        backend: Backend | None = None,
        checkers: Sequence[gateway_screening.Checker] | None = None,
        screen_timeout: float = 30,
        steering_retries: int = 0,
        finish_timeout: float = 60,
        render_timeout: float = 60,
        energy_in_manifest: bool = False,
        prompts: Screen | None = None,
        labels: Labels = NO_LABELS,
        thumbnail: int = 0,
        **parts: Unpack[Parts],
    ) -> Gateway: ...


def builder(installation: Installation) -> Build:
    """By default the gateway has the painter, and checks that find everything safe."""

    def build(
        backend: Backend | None = None,
        checkers: Sequence[gateway_screening.Checker] | None = None,
        screen_timeout: float = 30,
        steering_retries: int = 0,
        finish_timeout: float = 60,
        render_timeout: float = 60,
        energy_in_manifest: bool = False,
        prompts: Screen | None = None,
        labels: Labels = NO_LABELS,
        thumbnail: int = 0,
        **parts: Unpack[Parts],
    ) -> Gateway:
        own: Parts = {
            "codec": installation.codec,
            "credentials": installation.credentials.screening(IsolatedSdk(installation.limits)),
            "ledger": installation.ledger,
            "publisher": installation.publisher,
            "blocklist": installation.blocklist,
            "likeness": installation.likeness,
            "adapters": installation.adapters,
        }
        return build_gateway(
            backend or Painter(),
            prompts or ScriptedScreen(),
            [Checker()] if checkers is None else checkers,
            options=GatewayOptions(
                provider="Test Installation",
                safety_threshold=0.5,
                screen_timeout=screen_timeout,
                render_timeout=render_timeout,
                limits=ImageLimits(1 << 22, 1 << 22),
                steering_retries=steering_retries,
                finish_timeout=finish_timeout,
                energy_in_manifest=energy_in_manifest,
                thumbnail=thumbnail,
                labels=labels,
            ),
            digest_prompt=signing.prompt_digester(installation.settings),
            **{**own, **parts},  # type: ignore[arg-type]  # fakes stand in for the real parts
        )

    return build


ORDER = Order(prompt="a lake at dawn", seed=7)


def refused(gateway: Gateway, installation: Installation, order: Order = ORDER) -> Refusal:
    """The refusal of an order, after checking that nothing was issued and that it is in the ledger."""
    before = installation.ledger.verify()
    with pytest.raises(Refusal) as caught:
        gateway.release(order)
    after = installation.ledger.verify()
    assert after.problems == ()
    assert after.images == before.images
    assert after.decisions == before.decisions + 1
    return caught.value


def raising(error: Exception) -> Callable[..., object]:
    def answer(*_args: object, **_more: object) -> object:
        raise error

    return answer


BAD_ANSWERS = {
    "raises": raising(RuntimeError("out of memory")),
    "is missing": raising(ModelMissing("no weights")),
    "NaN": lambda images: [finding(float("nan"))],
    "infinite": lambda images: [finding(float("inf"))],
    "negative": lambda images: [finding(-0.1)],
    "above one": lambda images: [finding(1.1)],
    "nothing": lambda images: [],
    "too many": lambda images: [finding(0.0), finding(0.0)],
    "None": lambda images: None,
    "booleans": lambda images: [False],
    "numbers": lambda images: [0.0],
    "text score": lambda images: [finding("0.0")],  # type: ignore[arg-type]
    "None score": lambda images: [finding(None)],  # type: ignore[arg-type]
}


class Deaf:
    """A codec that marks and never finds its mark."""

    ALGORITHM = "deaf"

    def __init__(self, codec: Codec, answer: object = None) -> None:
        self.embed: Callable[..., object] = codec.embed
        self.extract: Callable[..., object] = lambda rgb: answer
        heard = (answer,) if isinstance(answer, Reading) else ()
        self.read: Callable[..., object] = lambda rgb, effort, beside=(): Extraction(heard, None)


class Notary:
    """Credentials whose answers are scripted."""

    def __init__(
        self,
        real: Credentials,
        sign: Callable[..., object] | None = None,
        read: Callable[..., object] | None = None,
    ) -> None:
        self.sign: Callable[..., object] = sign or real.sign
        self.read: Callable[..., object] = read or real.read

    def read_back(self, data: bytes, mime: str, *, of_input: bool) -> object:
        return self.read(data, mime)


class Torn:
    """A ledger that cannot be written."""

    def __init__(self, ledger: Ledger, refuses_too: bool) -> None:
        self.fresh_mark_id = ledger.fresh_mark_id
        self.issue = raising(Unavailable("the disk is full"))
        self.refuse = raising(Unavailable("the disk is full")) if refuses_too else ledger.refuse


class Untouchable(Painter):
    """Must not be asked to draw."""

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        raise AssertionError("it was asked to draw")


class Steerable(Painter):
    """Paints unsafely until it is steered hard enough; `safe_from` is that strength."""

    most_steering = 3
    default_guidance = 5.0

    def __init__(self, safe_from: int) -> None:
        self.safe_from = safe_from
        self.asked: list[int] = []

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        self.asked.append(job.steering)
        return landscape(job.seed + (job.steering >= self.safe_from), job.width, job.height)


class Hanging:
    """Does what `inner` does, except that one of its methods never ends until `freed` is set."""

    def __init__(self, inner: object, method: str) -> None:
        self._inner, self._method, self.freed = inner, method, threading.Event()

    def __getattr__(self, name: str) -> object:
        if name != self._method:
            return getattr(self._inner, name)
        return lambda *args, **options: self.freed.wait(60)


def last_body(installation: Installation) -> dict[str, Any]:
    """What the newest decision says."""
    newest = select(decisions.c.body).order_by(decisions.c.seq.desc()).limit(1)
    with engine_of(installation.ledger).connect() as connection:
        body: dict[str, Any] = json.loads(connection.execute(newest).scalar_one())
    return body
