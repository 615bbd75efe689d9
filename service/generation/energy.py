"""The energy used to generate an image: device seconds and watt-hours, measured where the machine allows it.

- RAPL (`/sys/class/powercap`, Linux): the counters of the processor packages. They count the *whole* package,
  including the examiner, other processes and idle power. Most kernels restrict them to root.
- NVML (package nvidia-ml-py): the counter of the GPU, for the whole GPU and all of its users.
- Otherwise, on CPUs only, an estimate: seconds x threads x the setting `watts`, reported as method `model`.

None of them includes memory, fans or power supply losses.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from service.generation.diffusers.nvml import Nvml

log = structlog.get_logger()

POWERCAP = Path("/sys/class/powercap")
JOULES_PER_WATT_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Energy:
    """`seconds` of device time (in a batch: the image's share) and `watt_hours` (None if unknown).

    `method`: `rapl`, `nvml`, both as `nvml+rapl`, `model`, or `unknown`.
    """

    seconds: float
    watt_hours: float | None
    method: str

    def __add__(self, other: "Energy") -> "Energy":
        """The sum; unknown if either is unknown."""
        unknown = self.watt_hours is None or other.watt_hours is None
        methods = dict.fromkeys((self.method, other.method))
        return Energy(
            self.seconds + other.seconds,
            None if unknown else (self.watt_hours or 0) + (other.watt_hours or 0),
            "unknown" if unknown else ", ".join(methods),
        )

    def rounded(self) -> dict[str, float | str | None]:
        """For the ledger: seconds to the millisecond, watt-hours to four significant digits."""
        hours = None if self.watt_hours is None else float(f"{self.watt_hours:.4g}")
        return {"seconds": round(self.seconds, 3), "watt_hours": hours, "method": self.method}


class Counter(Protocol):
    """A hardware energy counter."""

    name: str

    def read(self) -> tuple[float, ...]:
        """Return the current readings. Raises OSError or RuntimeError if they cannot be read."""

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        """The joules between two readings."""


class EnergyConsumer(Protocol):
    """Receives the energy that was used on its behalf."""

    def add_energy(self, energy: Energy) -> None: ...


class Meter:
    """Measures the energy used inside a block. One block at a time: the counters cannot separate concurrent work."""

    def __init__(self, counters: Sequence[Counter] = (), watts: float | None = None) -> None:
        """`watts`: total power during generation, used if `counters` is empty or fails; None: unknown."""
        self._counters = tuple(counters)
        self._watts = watts

    @contextlib.contextmanager
    def shared_by(self, consumers: Sequence[EnergyConsumer]) -> Iterator[None]:
        """Give each of `consumers` an equal share of the energy the block used, even if it raises."""
        before, start = self._read(), time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            energy = self._energy(seconds, before, self._read())
            for consumer in consumers:
                consumer.add_energy(_share(energy, len(consumers)))

    def _read(self) -> list[tuple[float, ...]] | None:
        """A failing counter costs the measurement, not the image."""
        try:
            return [counter.read() for counter in self._counters]
        except (OSError, RuntimeError, ValueError) as fault:
            log.warning("energy_not_read", error=type(fault).__name__)
            return None

    def _energy(self, seconds: float, before: list[Any] | None, after: list[Any] | None) -> Energy:
        if self._counters and before is not None and after is not None:
            readings = zip(self._counters, before, after, strict=True)
            joules = sum(counter.joules(was, now) for counter, was, now in readings)
            if math.isfinite(joules) and joules >= 0:
                return Energy(seconds, joules / JOULES_PER_WATT_HOUR, "+".join(one.name for one in self._counters))
        if self._watts is None:
            return Energy(seconds, None, "unknown")
        return Energy(seconds, seconds * self._watts / JOULES_PER_WATT_HOUR, "model")


class Rapl:
    """The processor packages: microjoules in `energy_uj`, which wraps around at `max_energy_range_uj`."""

    name = "rapl"

    def __init__(self, root: Path = POWERCAP) -> None:
        """Raises OSError if the machine has no such counters, or they are not readable."""
        zones = [zone for zone in sorted(root.glob("intel-rapl:*")) if _read_text(zone / "name").startswith("package")]
        if not zones:
            raise FileNotFoundError(f"{root} has no processor packages")
        self._files = [zone / "energy_uj" for zone in zones]
        self._ranges = [float(_read_text(zone / "max_energy_range_uj")) for zone in zones]
        self.read()

    def read(self) -> tuple[float, ...]:
        return tuple(float(_read_text(file)) for file in self._files)

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        rises = zip(before, after, self._ranges, strict=True)
        return sum((now - was) % size if size else now - was for was, now, size in rises) / 1e6


def open_meter(device: str, threads: int, watts: float) -> Meter:
    """The best meter this machine offers for a pipeline on `device` with `threads` CPU threads of `watts` each.

    For a GPU its own counter is required; the processor's share is smaller and is added to it.
    """
    rapl = _try_open(Rapl)
    if device == "cpu":
        return Meter(rapl, threads * watts)
    gpu = _try_open(lambda: Nvml(device)) if device.startswith("cuda") else []
    return Meter([*gpu, *rapl] if gpu else [])


def _try_open(make: Callable[[], Counter]) -> list[Counter]:
    try:
        return [make()]
    except (OSError, ValueError):
        return []


def _share(energy: Energy, number: int) -> Energy:
    hours = None if energy.watt_hours is None else energy.watt_hours / number
    return Energy(energy.seconds / number, hours, energy.method)


def _read_text(file: Path) -> str:
    return file.read_text(encoding="ascii").strip()
