"""The pipeline: every stage fails closed. Whatever goes wrong, there are no pixels."""

import pytest

from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import (
    StageFailed,
)
from tests.support.gateway import (
    ORDER,
    Build,
    Hanging,
    Parts,
)


def test_what_is_watched(gateway: Gateway) -> None:
    steps, seconds = [], []
    gateway.release(
        ORDER, ReleaseObserver(lambda done, total: steps.append((done, total)), lambda stage, s: seconds.append(stage))
    )
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert seconds == ["admit", "render", "screen", "mark", "sign", "prove", "issue"]


@pytest.mark.parametrize(
    ("part", "method", "stage"),
    [("codec", "embed", "mark"), ("credentials", "sign", "sign"), ("codec", "extract", "mark"),
     ("credentials", "read_back", "prove")],
)  # fmt: skip
def test_a_finishing_stage_that_hangs_releases_nothing(
    build: Build, installation: Installation, part: str, method: str, stage: str
) -> None:
    hanging = Hanging(getattr(installation, part), method)
    replaced: Parts = {part: hanging}  # type: ignore[misc]  # the names stand above
    gateway = build(finish_timeout=0.5 if stage == "mark" else 3, **replaced)
    with pytest.raises(StageFailed, match="no answer within") as caught:
        gateway.release(Order(prompt="a lake", seed=1))
    hanging.freed.set()
    assert caught.value.stage == stage
    audit = installation.ledger.verify()
    assert (audit.images, audit.decisions) == (0, 1)
