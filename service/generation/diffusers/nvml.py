"""The energy counter of an NVIDIA GPU, through NVML."""

from typing import Any


class Nvml:
    """One GPU, millijoules since its driver was loaded (Volta and later)."""

    name = "nvml"

    def __init__(self, device: str) -> None:
        """`device` as torch calls it. Raises OSError where NVML is not installed or does not count on this GPU."""
        try:
            import pynvml  # noqa: PLC0415 - for those with a GPU
            import torch  # noqa: PLC0415 - an extra

            pynvml.nvmlInit()
            # NVML numbers GPUs otherwise than CUDA does: the unique id alone names the same one.
            unique = torch.cuda.get_device_properties(device).uuid
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{unique}")
            self._nvml: Any = pynvml
            self.read()
        except Exception as fault:  # NVMLError and what drivers raise
            raise OSError(f"NVML cannot be asked ({type(fault).__name__})") from fault

    def read(self) -> tuple[float, ...]:
        try:
            return (float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)),)
        except self._nvml.NVMLError as fault:
            raise OSError("NVML gave no reading") from fault

    def joules(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        return (after[0] - before[0]) / 1e3
