"""Prometheus metrics, on a port of their own: a proxy that publishes the service does not publish them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import start_http_server
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from service import __version__
from service.installation import Installation
from service.kit.clock import utc_now
from service.kit.errors import Error, Misconfigured
from service.kit.metrics import REGISTRY
from service.ledger.publisher import Status

log = structlog.get_logger()


class InstallationCollector(Collector):
    """What is read from the installation when it is asked for. A ledger that does not answer leaves its figure out."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def collect(self) -> Iterable[Metric]:
        installation = self._installation
        yield InfoMetricFamily("countermark", "This version.", value={"version": __version__})
        decisions = self._decisions()
        sinks = self._sinks()
        ready = decisions is not None and sinks is not None
        yield _gauge("ready", "1 if the ledger answers and images may be released.", ready)
        if decisions is not None:
            yield _gauge("decisions", "Decisions in the ledger.", decisions)
            yield from self._jobs()
        behind = sinks in (None, "failing")
        yield _gauge("checkpoints_failing", "1 if a sink does not take the audit log's checkpoints.", behind)
        yield _gauge(
            "refusals_not_recorded",
            "Refusals since the start that could not be written to the ledger.",
            installation.ledger.unrecorded_refusals,
        )
        left = (installation.signing.not_after - utc_now()).total_seconds()
        yield _gauge("signing_certificate_seconds", "Seconds until the signing certificate expires.", left)

    def _decisions(self) -> int | None:
        try:
            return self._installation.ledger.ready()
        except Error as fault:
            log.warning("metrics_without_ledger", error=fault.code)
            return None

    def _jobs(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("countermark_jobs", "Jobs that are kept, by status.", labels=["status"])
        try:
            for status, count in self._installation.jobs.counts().items():
                jobs.add_metric([status], count)
            dead = len(self._installation.deliveries.dead_letters())
        except Error:
            return
        yield jobs
        yield _gauge("webhook_dead_letters", "Messages to webhooks that were given up.", dead)

    def _sinks(self) -> Status | None:
        try:
            return self._installation.publisher.status()
        except Error:
            return None


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"countermark_{name}", help_text, value=float(value))


@contextmanager
def served(installation: Installation, host: str, port: int | None) -> Iterator[int | None]:
    """Answer `GET /metrics` on `port` inside the `with` block; gives the port in use, None where none is asked for.

    Raises:
        Misconfigured: the address cannot be listened on.
    """
    if port is None:
        yield None
        return
    collector = InstallationCollector(installation)
    try:
        server, thread = start_http_server(port, host, registry=REGISTRY)
    except OSError as taken:
        hint = "Choose another COUNTERMARK_METRICS_PORT or COUNTERMARK_METRICS_HOST."
        raise Misconfigured(f"metrics cannot be served on {host}:{port}: {taken.strerror}", hint=hint) from taken
    REGISTRY.register(collector)
    try:
        yield server.server_port
    finally:
        REGISTRY.unregister(collector)
        server.shutdown()
        server.server_close()
        thread.join()
