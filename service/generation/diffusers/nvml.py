"""The energy counter of an NVIDIA GPU, through NVML."""

from typing import Any


class Nvml:
    """The energy counter of one GPU: millijoules since the driver was loaded (Volta and later)."""

    name = "nvml"

    def __init__(self, device: str) -> None:
        """`device`: torch's name for it. Raises OSError if NVML is missing or this GPU has no counter."""
        try:
            import pynvml  # noqa: PLC0415 - optional, for GPUs
            import torch  # noqa: PLC0415 - an extra

            pynvml.nvmlInit()
            # NVML and CUDA number GPUs differently; only the UUID identifies the same one.
            unique = torch.cuda.get_device_properties(device).uuid
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{unique}")
            self._nvml: Any = pynvml
            self.read()
        except Exception as fault:  # NVMLError and whatever drivers raise
            raise OSError(f"NVML is not usable ({type(fault).__name__})") from fault

    def read(self) -> tuple[float, ...]:
        try:
            return (float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)),)
        except self._nvml.NVMLError as fault:
            raise OSError("NVML returned no reading") from fault

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        return (after[0] - before[0]) / 1e3
