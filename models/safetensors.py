"""Reading of safetensors files as NumPy arrays."""

import safetensors.numpy as library
from numpy import float32
from numpy.typing import NDArray
from safetensors import SafetensorError


def read_tensors(data: bytes) -> dict[str, NDArray[float32]]:
    """The tensors of a safetensors file by name, in float32, whatever float type they are stored in.

    Raises:
        ValueError: it is not a safetensors file, or one of its tensors has a type that NumPy lacks.
    """
    try:
        return {name: values.astype(float32) for name, values in library.load(data).items()}
    except (SafetensorError, KeyError, TypeError) as broken:  # KeyError: an unknown type
        raise ValueError(f"not a safetensors file of plain floats: {broken}") from broken
