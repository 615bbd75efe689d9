"""An ONNX file whose weights are stored as INT8 in blocks, as the OpenCV zoo has them, and its weights as float32."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from tests.support.onnx_files import onnx_model, tensor

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Quantised:
    """`file`: the ONNX file. `weight` (4, 3, 2, 2) and `bias` (4,): what it means by them."""

    file: bytes
    weight: Weights
    bias: Weights


def quantised(seed: int = 0) -> Quantised:
    """One convolution: the weight in blocks of 5 along axis 1, reshaped; the bias in blocks of 2, which ONNX Runtime
    refuses; and an input that nothing reads."""
    rng = np.random.default_rng(seed)
    values, scales = rng.integers(-128, 128, (4, 12)).astype(np.int8), rng.uniform(0.001, 0.02, (4, 3))
    zeros = rng.integers(-9, 9, (4, 3)).astype(np.int8)
    bias, bias_scales = rng.integers(-128, 128, 4).astype(np.int8), rng.uniform(0.01, 0.1, 2)
    tensors: dict[str, NDArray[Any]] = {
        "w": values,
        "w_scales": scales.astype(np.float32),
        "w_zeros": zeros,
        "w_shape": np.array([4, 3, 2, 2], np.int64),
        "b": bias,
        "b_scales": bias_scales.astype(np.float32),
        "b_zeros": np.array([3, -2], np.int8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "w_scales", "w_zeros"], ["w_float"], axis=1, block_size=5),
        helper.make_node("Reshape", ["w_float", "w_shape"], ["w_shaped"]),
        helper.make_node("DequantizeLinear", ["b", "b_scales", "b_zeros"], ["b_float"], axis=0, block_size=2),
        helper.make_node("Conv", ["pixels", "w_shaped", "b_float"], ["output"]),
    ]
    model = onnx.load_from_string(
        onnx_model(nodes, [tensor("pixels", 1, 3, 8, 8)], [tensor("output", 1, 4, 7, 7)], tensors, opset=21)
    )
    model.graph.input.append(tensor("left_over", 4, 3, 2, 2))
    file = model.SerializeToString()
    across = np.repeat(np.arange(3), 5)[:12]
    weight = (values.astype(np.float32) - zeros[:, across]) * tensors["w_scales"][:, across]
    halves = np.repeat(np.arange(2), 2)
    return Quantised(
        file,
        np.asarray(weight.reshape(4, 3, 2, 2), np.float32),
        np.asarray((bias.astype(np.float32) - tensors["b_zeros"][halves]) * tensors["b_scales"][halves], np.float32),
    )
