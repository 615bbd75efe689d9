"""Spans, into OpenTelemetry's own memory."""

import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.api import create_app
from service.installation import Installation
from service.kit import tracing
from service.kit.errors import BadRequest, Misconfigured
from service.media.pictures import encode
from tests.support.painter import landscape

PROMPT = "a red fox in the snow"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing.use(provider.get_tracer("test"))
    yield spans
    tracing.use(None)


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_without_a_tracer_nothing_is_made() -> None:
    with tracing.span("work") as span:
        assert span is None


def test_an_error_has_its_code_and_no_message(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(BadRequest), tracing.span("work", colour="red"):
        raise BadRequest("a secret")
    with pytest.raises(ValueError, match="secret"), tracing.span("other"):
        raise ValueError("another secret")
    spans = by_name(exporter)
    assert spans["work"].attributes == {"colour": "red", "error.type": "bad_request"}
    assert spans["other"].attributes == {"error.type": "ValueError"}
    assert not any(span.events or span.status.description for span in spans.values())


def test_a_release_has_a_span_for_each_stage_in_that_of_its_request(
    exporter: InMemorySpanExporter, painted_installation: Installation
) -> None:
    with TestClient(create_app(painted_installation)) as client:
        sent = {"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}
        assert client.post("/v1/images/generations", json={"prompt": PROMPT}, headers=sent).status_code == 200
        assert client.post("/v1/inspect", files={"file": encode(landscape(1, 64, 64), "png")[0]}).status_code == 200
    spans = by_name(exporter)
    request = spans["POST /v1/images/generations"]
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    for stage in ("admit", "render", "screen", "mark", "sign", "prove", "issue"):
        span = spans[f"stage {stage}"]
        assert span.context.trace_id == request.context.trace_id
    assert request.parent is None  # whatever the client says
    examined = spans["POST /v1/inspect"]
    lanes = [span for name, span in spans.items() if name.startswith("examine ")]
    assert {"examine claimed", "examine marked", "examine matched"} <= {span.name for span in lanes}
    assert {span.context.trace_id for span in lanes} == {examined.context.trace_id}
    assert PROMPT not in "".join(span.to_json() for span in spans.values())


def test_a_collector_without_the_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Misconfigured, match="COUNTERMARK_TRACES_ENDPOINT"):
        tracing.configure("http://127.0.0.1:4318")


def test_no_endpoint_is_no_tracer() -> None:
    tracing.configure(None)
    with tracing.span("work") as span:
        assert span is None
