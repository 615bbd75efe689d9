"""What drawing a picture costs: seconds of the device, and watt-hours, measured where the machine lets us.

- RAPL (`/sys/class/powercap`, Linux): the processor packages' own counters. They count the *whole* package: the
  examiner, other processes and idling too. Most kernels let root alone read them.
- NVML (package nvidia-ml-py): the GPU's own counter, of the whole GPU, whoever else uses it.
- Else a model, on CPUs alone: seconds x threads x the setting `watts`. An assumption, and called one (`model`).

Memory, fans and losses of the power supply are in none of them.
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
_JOULES_A_WATT_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Energy:
    """`seconds` in which the device drew, of a batch the picture's share; `watt_hours`, None where nothing tells them.

    `method`: `rapl`, `nvml`, both as `nvml+rapl`, `model`, or `unknown`.
    """

    seconds: float
    watt_hours: float | None
    method: str

    def __add__(self, other: "Energy") -> "Energy":
        """Both together; unknown where one of them is."""
        unknown = self.watt_hours is None or other.watt_hours is None
        methods = dict.fromkeys((self.method, other.method))
        return Energy(
            self.seconds + other.seconds,
            None if unknown else (self.watt_hours or 0) + (other.watt_hours or 0),
            "unknown" if unknown else ", ".join(methods),
        )

    def rounded(self) -> dict[str, float | str | None]:
        """As records hold it: milliseconds, and watt-hours to four digits."""
        hours = None if self.watt_hours is None else float(f"{self.watt_hours:.4g}")
        return {"seconds": round(self.seconds, 3), "watt_hours": hours, "method": self.method}


class Counter(Protocol):
    """Something that counts joules."""

    name: str

    def read(self) -> tuple[float, ...]:
        """What the counters stand at. Raises OSError or RuntimeError where they cannot be read."""

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        """Between two readings."""


class Payer(Protocol):
    """Who is told what was spent."""

    def spent(self, energy: Energy) -> None: ...


class Meter:
    """Measures what is drawn inside its block. One block at a time: counters tell no two drawings apart."""

    def __init__(self, counters: Sequence[Counter] = (), watts: float | None = None) -> None:
        """`watts`: of everything that works while drawing, for where `counters` is empty or fails; None: unknown."""
        self._counters = tuple(counters)
        self._watts = watts

    @contextlib.contextmanager
    def shared_by(self, payers: Sequence[Payer]) -> Iterator[None]:
        """Each of `payers` is told an equal share of what the block took, also when it raises."""
        before, start = self._read(), time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            energy = self._energy(seconds, before, self._read())
            for payer in payers:
                payer.spent(_share(energy, len(payers)))

    def _read(self) -> list[tuple[float, ...]] | None:
        """A counter that fails costs the measurement, not the picture."""
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
                return Energy(seconds, joules / _JOULES_A_WATT_HOUR, "+".join(one.name for one in self._counters))
        if self._watts is None:
            return Energy(seconds, None, "unknown")
        return Energy(seconds, seconds * self._watts / _JOULES_A_WATT_HOUR, "model")


class Rapl:
    """The packages of the processors, microjoules in `energy_uj`, which begins again at `max_energy_range_uj`."""

    name = "rapl"

    def __init__(self, root: Path = POWERCAP) -> None:
        """Raises OSError where the machine has no such counters, or does not let us read them."""
        zones = [zone for zone in sorted(root.glob("intel-rapl:*")) if _word(zone / "name").startswith("package")]
        if not zones:
            raise FileNotFoundError(f"{root} has no processor packages")
        self._files = [zone / "energy_uj" for zone in zones]
        self._ranges = [float(_word(zone / "max_energy_range_uj")) for zone in zones]
        self.read()

    def read(self) -> tuple[float, ...]:
        return tuple(float(_word(file)) for file in self._files)

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        rises = zip(before, after, self._ranges, strict=True)
        return sum((now - was) % whole if whole else now - was for was, now, whole in rises) / 1e6


def open_meter(device: str, threads: int, watts: float) -> Meter:
    """The best that this machine offers for a pipeline on `device` with so many CPU `threads` of `watts` each.

    On a GPU nothing but its own counter will do: the processor's share is the smaller one, and comes on top.
    """
    rapl = _opened(Rapl)
    if device == "cpu":
        return Meter(rapl, threads * watts)
    gpu = _opened(lambda: Nvml(device)) if device.startswith("cuda") else []
    return Meter([*gpu, *rapl] if gpu else [])


def _opened(make: Callable[[], Counter]) -> list[Counter]:
    try:
        return [make()]
    except (OSError, ValueError):
        return []


def _share(energy: Energy, number: int) -> Energy:
    hours = None if energy.watt_hours is None else energy.watt_hours / number
    return Energy(energy.seconds / number, hours, energy.method)


def _word(file: Path) -> str:
    return file.read_text(encoding="ascii").strip()
