"""Traces, where the operator asks for them: a span for each request, stage of a release and lane of an examination.

Spans have names, times and a few attributes: routes, stages, codes and statuses. None names a person, a prompt or a
file. Whatever a client sends as its own trace is ignored. Without `configure`, spans cost nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service import __version__
from service.kit.errors import Error, Misconfigured

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

_NAME = "countermark"
_tracer: "Tracer | None" = None


def configure(endpoint: str | None) -> None:
    """Send spans to an OTLP collector over HTTP, such as `http://127.0.0.1:4318`; None: make none.

    Raises:
        Misconfigured: the extra `otel` is not installed.
    """
    if endpoint is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as missing:
        raise Misconfigured(
            "COUNTERMARK_TRACES_ENDPOINT needs OpenTelemetry", hint="pip install 'countermark[otel]'"
        ) from missing
    provider = TracerProvider(resource=Resource.create({"service.name": _NAME, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    use(provider.get_tracer(_NAME, __version__))


def use(tracer: "Tracer | None") -> None:
    """Make spans with this tracer; None: make none."""
    global _tracer  # noqa: PLW0603 - one for the process, as for OpenTelemetry itself
    _tracer = tracer


@contextmanager
def span(name: str, **attributes: "AttributeValue") -> "Iterator[Span | None]":
    """Time what is done inside. An error has its code, or its type, on the span, and never its message."""
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as started:
        try:
            yield started
        except BaseException as fault:
            started.set_attribute("error.type", fault.code if isinstance(fault, Error) else type(fault).__name__)
            started.set_status(Status(StatusCode.ERROR))
            raise
