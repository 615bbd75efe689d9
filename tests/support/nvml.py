"""A stand-in for pynvml: one GPU whose energy counter is scripted."""

import sys
import types

import pytest


class Driver(types.ModuleType):
    """Knows the GPU with the UUID 1234; `millijoules` are its readings, and after them reading fails."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.millijoules = [1000, 1000, 4600]

    @classmethod
    def installed(cls, monkeypatch: pytest.MonkeyPatch) -> "Driver":
        """In the place of pynvml, with torch naming that GPU for every device."""
        import torch

        driver = cls()
        monkeypatch.setitem(sys.modules, "pynvml", driver)
        properties = types.SimpleNamespace(uuid="1234")
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
        return driver

    def nvmlInit(self) -> None:  # noqa: N802 - the library's name
        pass

    def nvmlDeviceGetHandleByUUID(self, name: str) -> str:  # noqa: N802
        return name

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:  # noqa: N802
        assert handle == "GPU-1234"
        if not self.millijoules:
            raise self.NVMLError
        return self.millijoules.pop(0)
