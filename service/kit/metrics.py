"""What the process counts for its operator, in Prometheus' words. Nothing here names a person, a prompt or a file.

Labels take few values: routes, stages, codes and verdicts are listed in the documentation. The registry is this
module's own, so a library that counts for itself adds nothing to it.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()

_REQUEST_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_STAGE_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

REQUESTS: Final = Histogram(
    "countermark_request_seconds",
    "Seconds that requests took, by method, path of the route, and status. 499: the client left.",
    ("method", "path", "status"),
    buckets=_REQUEST_SECONDS,
    registry=REGISTRY,
)
STAGES: Final = Histogram(
    "countermark_stage_seconds",
    "Seconds that the stages of a release took, whether they passed or refused.",
    ("stage",),
    buckets=_STAGE_SECONDS,
    registry=REGISTRY,
)
RELEASED: Final = Counter("countermark_images_released", "Images released.", registry=REGISTRY)
REFUSALS: Final = Counter(
    "countermark_refusals", "Orders refused, by stage and error code.", ("stage", "code"), registry=REGISTRY
)
EXAMINATIONS: Final = Counter(
    "countermark_examinations", "Files examined, by verdict.", ("verdict",), registry=REGISTRY
)
IN_PROGRESS: Final = Gauge(
    "countermark_in_progress",
    "Orders and examinations that are worked on or wait.",
    ("of",),
    registry=REGISTRY,
)
ENERGY: Final = Counter(
    "countermark_generation_energy_joules",
    "Energy that released images took to generate, measured or estimated.",
    registry=REGISTRY,
)
