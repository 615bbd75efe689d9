"""Parts for tests of the gateway: refusals, and stand-ins that fail in one way each."""

import json
import threading

import pytest

from models import ModelMissing
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import (
    Refusal,
    Unavailable,
)
from tests.support.painter import Painter, finding, landscape

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


def raising(error: Exception):  # type: ignore[no-untyped-def]
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

    def __init__(self, codec: object, answer: object = None) -> None:
        self._codec = codec
        self._answer = answer

    def embed(self, rgb, mark_id):  # type: ignore[no-untyped-def]
        return self._codec.embed(rgb, mark_id)  # type: ignore[attr-defined]

    def extract(self, rgb):  # type: ignore[no-untyped-def]
        return self._answer


class Notary:
    """Credentials whose answers are scripted."""

    def __init__(self, real: object, sign=None, read=None) -> None:  # type: ignore[no-untyped-def]
        self.sign = sign or real.sign  # type: ignore[attr-defined]
        self.read = read or real.read  # type: ignore[attr-defined]


class Torn:
    """A ledger that cannot be written."""

    def __init__(self, ledger: object, refuses_too: bool) -> None:
        self.fresh_mark_id = ledger.fresh_mark_id  # type: ignore[attr-defined]
        self.issue = raising(Unavailable("the disk is full"))
        self.refuse = raising(Unavailable("the disk is full")) if refuses_too else ledger.refuse  # type: ignore[attr-defined]


class Untouchable(Painter):
    """Must not be asked to draw."""

    def render(self, job, on_step):  # type: ignore[no-untyped-def]
        raise AssertionError("it was asked to draw")


class Steerable(Painter):
    """Paints unsafely until it is steered hard enough; `safe_from` is that strength."""

    most_steering = 3
    default_guidance = 5.0

    def __init__(self, safe_from: int) -> None:
        self.safe_from, self.asked = safe_from, []

    def render(self, job, on_step):  # type: ignore[no-untyped-def]
        self.asked.append(job.steering)
        return landscape(job.seed + (job.steering >= self.safe_from), job.width, job.height)


class Hanging:
    """Does what `inner` does, except that one of its methods never ends until `freed` is set."""

    def __init__(self, inner: object, method: str) -> None:
        self._inner, self._method, self.freed = inner, method, threading.Event()

    def __getattr__(self, name: str) -> object:
        if name != self._method:
            return getattr(self._inner, name)
        return lambda *args: self.freed.wait(60)


def last_body(installation: Installation) -> dict:  # type: ignore[type-arg]
    from sqlalchemy import select

    from service.storage import decisions

    with installation.ledger._engine.connect() as connection:
        return json.loads(connection.execute(select(decisions).order_by(decisions.c.seq.desc())).first().body)
