import pytest

from service.generation.diffusers.nvml import Nvml
from tests.support.nvml import Driver


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver.installed(monkeypatch)


def test_millijoules_become_joules(driver: Driver) -> None:
    counter = Nvml("cuda:1")
    before, after = counter.read(), counter.read()
    assert (before, after) == ((1000.0,), (4600.0,))
    assert counter.joules(before, after) == pytest.approx(3.6)


def test_a_gpu_that_does_not_count_is_no_meter(driver: Driver) -> None:
    driver.millijoules = []
    with pytest.raises(OSError, match="NVML"):
        Nvml("cuda")


def test_a_reading_that_fails_is_an_os_error(driver: Driver) -> None:
    driver.millijoules = [1]
    counter = Nvml("cuda")
    with pytest.raises(OSError, match="no reading"):
        counter.read()


def test_without_a_driver_there_is_no_meter(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise driver.NVMLError

    monkeypatch.setattr(driver, "nvmlInit", broken)
    with pytest.raises(OSError, match="NVMLError"):
        Nvml("cuda")
