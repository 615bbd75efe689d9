"""Metrics as Prometheus reads them: from a server of their own, of a real installation."""

import datetime as dt
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from service.access.client import OPERATOR
from service.api import create_app, metrics
from service.installation import Installation
from service.jobs.queue import NewJob
from service.kit.clock import utc_now
from service.kit.errors import Misconfigured, Unavailable
from service.media.pictures import encode
from tests.support.gateway import ORDER, Build, refused
from tests.support.painter import Checker, finding, landscape

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def port(installation: Installation) -> Iterator[int]:
    with metrics.served(installation, "127.0.0.1", 0) as port:
        assert port is not None
        yield port


def scraped(port: int) -> Samples:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: Any) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def test_a_release_counts_with_its_stages(port: int, build: Build) -> None:
    before = scraped(port)
    build().release(ORDER)
    after = scraped(port)
    assert value(after, "countermark_images_released_total") == value(before, "countermark_images_released_total") + 1
    for stage in ("admit", "render", "screen", "mark", "sign", "prove", "issue"):
        name = "countermark_stage_seconds_count"
        assert value(after, name, stage=stage) == value(before, name, stage=stage) + 1, stage
    assert value(after, "countermark_decisions") == value(before, "countermark_decisions") + 1


def test_a_refusal_counts_by_stage_and_code(port: int, build: Build, installation: Installation) -> None:
    labels = {"stage": "screen", "code": "moderation_blocked"}
    before = value(scraped(port), "countermark_refusals_total", **labels)
    refusal = refused(build(checkers=[Checker(lambda images: [finding(0.9)])]), installation)
    assert {"stage": refusal.stage, "code": refusal.code} == labels
    assert value(scraped(port), "countermark_refusals_total", **labels) == before + 1


def test_requests_and_verdicts_count(port: int, painted_installation: Installation) -> None:
    labels = {"method": "POST", "path": "/v1/inspect", "status": "200"}
    before = scraped(port)
    with TestClient(create_app(painted_installation)) as client:
        verdict = client.post("/v1/inspect", content=encode(landscape(1, 64, 64), "png")[0]).json()["verdict"]
    after = scraped(port)
    name = "countermark_request_seconds_count"
    assert value(after, name, **labels) == value(before, name, **labels) + 1
    name = "countermark_examinations_total"
    assert value(after, name, verdict=verdict) == value(before, name, verdict=verdict) + 1
    assert value(after, "countermark_in_progress", of="examinations") == 0


def test_what_is_read_when_it_is_asked_for(port: int, installation: Installation) -> None:
    samples = scraped(port)
    assert value(samples, "countermark_ready") == 1
    left = installation.signing.not_after - utc_now()
    measured = dt.timedelta(seconds=value(samples, "countermark_signing_certificate_seconds"))
    assert abs(measured - left) < dt.timedelta(minutes=5)


def test_jobs_and_messages_that_were_given_up(
    port: int, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.jobs.submit(NewJob("inspection", 1, {}), OPERATOR)
    samples = scraped(port)
    assert value(samples, "countermark_jobs", status="queued") == 1
    assert value(samples, "countermark_webhook_dead_letters") == 0

    def gone() -> dict[str, int]:
        raise Unavailable("the ledger is gone")

    monkeypatch.setattr(installation.jobs, "counts", gone)
    assert ("countermark_webhook_dead_letters", ()) not in scraped(port)


def test_a_ledger_that_does_not_answer(port: int, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> int:
        raise Unavailable("the ledger is gone")

    monkeypatch.setattr(installation.ledger, "ready", gone)
    samples = scraped(port)
    assert value(samples, "countermark_ready") == 0
    assert ("countermark_decisions", ()) not in samples


def test_without_a_port_nothing_listens(installation: Installation) -> None:
    with metrics.served(installation, "127.0.0.1", None) as port:
        assert port is None


def test_a_port_that_is_taken(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = metrics.served(installation, "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(Misconfigured, match="metrics cannot be served"), served:
            pass
