"""Recording: every refusal is in the ledger, and no prompt is."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job, OnStep
from service.installation import Installation
from service.kit.errors import (
    Refusal,
)
from tests.support.database import engine_of
from tests.support.gateway import (
    Build,
    raising,
    refused,
)
from tests.support.painter import Checker, Misbehaving, Painter, finding


def test_no_prompt_is_kept_anywhere(
    gateway: Gateway, build: Build, installation: Installation, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "Xanthippe of Athens"
    gateway.release(Order(prompt=secret, seed=1))
    with pytest.raises(Refusal):
        build(Misbehaving(raising(RuntimeError(secret)))).release(Order(prompt=secret))
    installation.close()
    for path in installation.settings.home.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    out = capfd.readouterr()
    assert secret not in out.out + out.err


def test_a_refusal_says_what_and_why(build: Build, installation: Installation) -> None:
    refused(build(checkers=[Checker(lambda images: [finding(0.75)])]), installation)
    from sqlalchemy import select

    from service.storage.tables import decisions

    with engine_of(installation.ledger).connect() as connection:
        (row,) = connection.execute(select(decisions)).all()
    body = json.loads(row.body)
    assert row.kind == "refused"
    assert body["code"] == "moderation_blocked"
    assert body["stage"] == "screen"


def test_ctrl_c_is_written_down(build: Build, installation: Installation) -> None:
    class Stopped(Painter):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(Stopped()).release(Order(prompt="a secret lake", seed=1))
    audit = installation.ledger.verify()
    assert (audit.images, audit.decisions, audit.problems) == (0, 1, ())
    with engine_of(installation.ledger).connect() as connection:
        (body,) = connection.exec_driver_sql("SELECT body FROM decisions").scalars()
    assert '"code":"cancelled"' in body
    assert "secret" not in body
