"""What the workers of one server count together: connections, work in progress, received bytes, and token buckets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.api.rate_limits import Buckets, TokenBuckets
from service.api.shared_buckets import SharedBuckets
from service.kit.counts import Counts, LocalCounts, SharedCounts

_COUNTS = "counts"
_BUCKETS = ("addresses", "identifiers", "public_examinations")


@dataclass(frozen=True, slots=True)
class Sharing:
    """`counts`: of what is in use. `buckets`: those of a name, with so many tokens a minute and at most."""

    counts: Counts
    buckets: Callable[[str, float, float], Buckets]


def alone() -> Sharing:
    """For a process that shares nothing."""
    return Sharing(LocalCounts(), lambda name, per_minute, most: TokenBuckets(per_minute, most=most))


def prepare(folder: Path, workers: int) -> SharedCounts:
    """Write the files that so many workers share into `folder`. Returns the counts, to clear those of a dead worker."""
    SharedCounts.create(folder / _COUNTS, workers)
    for name in _BUCKETS:
        SharedBuckets.create(folder / name)
    return SharedCounts(folder / _COUNTS, 0)


def of_worker(folder: Path, worker: int) -> Sharing:
    """For the worker with this number."""
    counts = SharedCounts(folder / _COUNTS, worker)
    return Sharing(counts, lambda name, per_minute, most: SharedBuckets(folder / name, per_minute, most=most))
