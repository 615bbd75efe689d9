from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation import energy
from service.generation.diffusers.nvml import Nvml
from service.generation.energy import Energy, Meter, Rapl, open_meter
from tests.support.nvml import Driver


class Consumer:
    def __init__(self) -> None:
        self.energy: Energy | None = None

    def add_energy(self, energy: Energy) -> None:
        self.energy = energy


class Scripted:
    """A counter that gives one reading after the other."""

    name = "scripted"

    def __init__(self, *readings: float | Exception) -> None:
        self._readings: Iterator[float | Exception] = iter(readings)

    def read(self) -> tuple[float, ...]:
        reading = next(self._readings)
        if isinstance(reading, Exception):
            raise reading
        return (reading,)

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        return after[0] - before[0]


def measured(meter: Meter, count: int = 1) -> list[Energy]:
    consumers = [Consumer() for _ in range(count)]
    with meter.shared_by(consumers):
        pass
    return [consumer.energy for consumer in consumers if consumer.energy]


def test_what_counters_tell_is_taken() -> None:
    (spent,) = measured(Meter([Scripted(100, 7300)], watts=1e9))
    assert spent.watt_hours == pytest.approx(2.0)
    assert spent.method == "scripted"
    assert spent.seconds >= 0


def test_several_counters_add_up() -> None:
    (spent,) = measured(Meter([Scripted(0, 3600), Scripted(0, 1800)]))
    assert spent.watt_hours == pytest.approx(1.5)
    assert spent.method == "scripted+scripted"


def test_pictures_of_one_call_share_alike() -> None:
    spent = measured(Meter([Scripted(0, 7200)]), count=4)
    assert [one.watt_hours for one in spent] == [0.5] * 4


@pytest.mark.parametrize(
    "readings", [(OSError(), 1.0), (1.0, OSError()), (2.0, RuntimeError()), (5.0, 1.0), (0.0, float("nan"))]
)
def test_a_counter_that_fails_costs_the_measurement_and_not_the_picture(
    readings: tuple[float | Exception, ...],
) -> None:
    (spent,) = measured(Meter([Scripted(*readings)], watts=3600))
    assert spent.method == "model"
    assert spent.watt_hours == pytest.approx(spent.seconds)
    (spent,) = measured(Meter([Scripted(*readings)]))
    assert (spent.watt_hours, spent.method) == (None, "unknown")


def test_what_fails_is_paid_for_too() -> None:
    consumer = Consumer()
    with pytest.raises(KeyError), Meter([Scripted(0, 3600)]).shared_by([consumer]):
        raise KeyError
    assert consumer.energy is not None
    assert consumer.energy.watt_hours == 1.0


def test_records_hold_short_numbers() -> None:
    told = Energy(1.23456, 0.00123456789, "model").rounded()
    assert told == {"seconds": 1.235, "watt_hours": 0.001235, "method": "model"}
    assert Energy(1.0, None, "unknown").rounded()["watt_hours"] is None


def zone(root: Path, number: str, name: str, microjoules: int, largest: int = 1000) -> Path:
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    for file, value in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", largest)):
        (folder / file).write_text(f"{value}\n")
    return folder


def test_rapl_counts_the_packages_and_nothing_twice(tmp_path: Path) -> None:
    for number, name in (("0", "package-0"), ("0:0", "core"), ("0:1", "dram"), ("1", "package-1"), ("2", "psys")):
        zone(tmp_path, number, name, 7)
    assert Rapl(tmp_path).read() == (7, 7)


@given(st.integers(0, 999), st.integers(0, 999))
def test_rapl_begins_again_at_its_range(was: int, spent: int) -> None:
    rapl = object.__new__(Rapl)
    rapl._ranges = [1000.0]
    assert rapl.joules((was,), ((was + spent) % 1000,)) == pytest.approx(spent / 1e6)


@pytest.mark.parametrize("spoil", ["nothing", "no counter", "no number"])
def test_without_rapl_there_is_an_error_at_once(tmp_path: Path, spoil: str) -> None:
    if spoil != "nothing":
        folder = zone(tmp_path, "0", "package-0", 7)
        (folder / "energy_uj").unlink() if spoil == "no counter" else (folder / "energy_uj").write_text("x")
    with pytest.raises((OSError, ValueError)):
        Rapl(tmp_path)


def test_the_best_meter_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "Rapl", lambda: Rapl(tmp_path))
    (spent,) = measured(open_meter("cpu", threads=2, watts=1800))
    assert spent.method == "model"
    assert spent.watt_hours == pytest.approx(spent.seconds)
    zone(tmp_path, "0", "package-0", 7)
    (spent,) = measured(open_meter("cpu", threads=2, watts=4))
    assert (spent.watt_hours, spent.method) == (0.0, "rapl")
    for device in ("cuda", "mps"):  # no counter of the GPU: the processor's alone would be a lie
        (spent,) = measured(open_meter(device, threads=2, watts=4))
        assert (spent.watt_hours, spent.method) == (None, "unknown")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver.installed(monkeypatch)


def test_nvml_counts_one_gpu(driver: Driver) -> None:
    (spent,) = measured(Meter([Nvml("cuda:1")]))
    assert spent.watt_hours == pytest.approx(3.6 / 3600)
    assert spent.method == "nvml"


def test_nvml_and_rapl_add_up(driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone(tmp_path, "0", "package-0", 7)
    monkeypatch.setattr(energy, "Rapl", lambda: Rapl(tmp_path))
    (spent,) = measured(open_meter("cuda", threads=2, watts=4))
    assert spent.method == "nvml+rapl"


def test_a_gpu_that_stops_counting_costs_no_picture(driver: Driver) -> None:
    driver.millijoules = [1, 2]
    (spent,) = measured(Meter([Nvml("cuda")]))
    assert spent.method == "unknown"
