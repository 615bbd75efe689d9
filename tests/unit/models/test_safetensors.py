import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from models.safetensors import read_tensors


def test_half_precision_is_read_as_single() -> None:
    values = np.arange(6, dtype=np.float16).reshape(2, 3) / 7
    found = read_tensors(safetensors.numpy.save({"a": values}))
    assert found["a"].dtype == np.float32
    np.testing.assert_array_equal(found["a"], values.astype(np.float32))


@pytest.mark.parametrize("data", [b"", b"no tensors", safetensors.numpy.save({"a": np.ones(9, np.float16)})[:-1]])
def test_what_is_no_safetensors_file_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_tensors(data)


def test_a_type_that_numpy_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a safetensors file of plain floats"):
        read_tensors(safetensors.torch.save({"a": torch.ones(2, dtype=torch.float8_e4m3fn)}))
