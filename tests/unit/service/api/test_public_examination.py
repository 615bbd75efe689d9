"""Whoever has no key is answered, in coarse figures and not without end, once there are keys."""

import pytest
from fastapi.testclient import TestClient

from service.access.client import OPERATOR, PUBLIC, Client
from service.access.tenants import Terms
from service.api import public_examination
from service.api.dependencies import services_of
from service.api.rate_limits import TokenBuckets
from service.examiner.examination import Trace
from service.examiner.examiner import IllustratedReport
from service.examiner.known_marks import KnownTrace, TraceKind
from service.examiner.lanes.marked import finding
from service.examiner.report import Report
from service.installation import Installation
from tests.assets.hostile import picture, save
from tests.support.credentials import read
from tests.support.evidence import Evidence, issue, reading
from watermark import KnownMark, Presence

PNG = save(picture(), "PNG")
KNOWN = KnownTrace(TraceKind.CARRIED, issue(), True, None, KnownMark(8.4, 6.3, 24), 2.3e-8)


def report(trace: Trace) -> Report:
    whole = Evidence(read("absent"), mark_id=1).report()
    return whole.model_copy(update={"marked": finding(trace, read("absent")).section})


def test_the_public_sees_steps_and_no_map() -> None:
    exact = report(Trace(reading(1)))
    shown = public_examination.illustrated_for(PUBLIC, IllustratedReport(exact, b"x", b"map", {}))
    assert shown.evidence is None
    assert shown.preview == b"x"
    (mark,) = shown.report.marked
    assert (mark.present, mark.mark_id, mark.confidence, mark.coverage) == (True, "000000000001", 1.0, 1.0)
    assert exact.marked[0].confidence == 0.9
    assert shown.report.verdict == exact.verdict


def test_faint_traces_are_shown_in_steps_too() -> None:
    exact = report(Trace(presence=Presence(7.7, 2.3e-8), known=(KNOWN,)))
    (mark,) = public_examination.shown_to(PUBLIC, exact).marked
    assert mark.presence is not None
    assert mark.known is not None
    assert (mark.presence.score, mark.presence.p_value) == (10.0, 1e-6)
    assert (mark.known[0].message, mark.known[0].template, mark.known[0].p_value) == (10.0, 5.0, 1e-6)
    assert mark.known[0].mark_id == "000000000001"


@pytest.mark.parametrize("client", [OPERATOR, Client(name="acme", key="cm_x")])
def test_others_see_everything(client: Client) -> None:
    exact = report(Trace(reading(1)))
    illustrated = IllustratedReport(exact, b"x", b"map", {})
    assert public_examination.illustrated_for(client, illustrated) == illustrated


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/inspect", {"files": {"file": ("x", PNG)}}),
        ("/v1/matches/byContent", {"content": PNG}),
    ],
)
def test_the_public_is_counted_once_there_are_keys(
    client: TestClient,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, object],
) -> None:
    services = services_of(client.app)  # type: ignore[arg-type]
    monkeypatch.setattr(services.public_examinations, "_most", 1.0)
    for _ in range(3):  # the operator
        assert client.post(path, **body).status_code == 200  # type: ignore[arg-type]
    key = installation.tenants.add(Terms(name="acme")).key
    assert client.post(path, **body).status_code == 200  # type: ignore[arg-type]
    refused = client.post(path, **body)  # type: ignore[arg-type]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 30
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.post(path, headers=bearer, **body).status_code == 200  # type: ignore[arg-type]


def test_an_hour_has_so_many_at_once_and_then_one_after_the_other() -> None:
    now = [0.0]
    buckets = TokenBuckets(3 / 60, lambda: now[0], most=3)
    assert [buckets.take("a") for _ in range(3)] == [0.0] * 3
    assert buckets.take("a") == pytest.approx(1200)
    now[0] = 1200.0
    assert buckets.take("a") == 0.0
    assert not any(TokenBuckets(0).take("a") for _ in range(100))
