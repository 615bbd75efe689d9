"""Weights in INT8 blocks become the float32 that they mean, to the bit, and ONNX Runtime opens the result."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.conversions import RECIPES
from models.conversions.quantised import float32_weights
from models.sessions import InMemorySession
from tests.support.onnx_files import onnx_model, tensor
from tests.support.quantised import quantised


def correlated(pixels: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each of the filters (F, C, 2, 2) at each place of an image (C, H, W), as Conv computes it."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (2, 2), axis=(1, 2))
    return np.asarray(np.einsum("chwij,fcij->fhw", windows, weight), np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_the_result_computes_what_the_weights_mean(seed: int) -> None:
    stored = quantised(seed)
    pixels = np.random.default_rng(seed).uniform(-1, 1, (1, 3, 8, 8)).astype(np.float32)
    (output,) = InMemorySession(float32_weights([stored.file])).run(pixels=pixels)
    expected = correlated(pixels[0], stored.weight) + stored.bias[:, None, None]
    assert np.allclose(output, expected, rtol=1e-5, atol=1e-5)


def test_the_weights_are_equal_to_the_bit_and_nothing_else_is_left() -> None:
    stored = quantised()
    graph = onnx.load_from_string(float32_weights([stored.file])).graph
    weights = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    assert [node.op_type for node in graph.node] == ["Conv"]
    assert sorted(weights) == ["b_float", "w_shaped"]
    assert np.array_equal(weights["w_shaped"], stored.weight)
    assert np.array_equal(weights["b_float"], stored.bias)
    assert [each.name for each in graph.input] == ["pixels"]


def test_it_is_deterministic_and_changes_nothing_twice() -> None:
    once = float32_weights([quantised().file])
    assert once == float32_weights([quantised().file])
    assert float32_weights([once]) == once
    assert RECIPES["float32-weights"] is float32_weights


@pytest.mark.parametrize(("shape", "axis"), [((), 1), ((3,), 1), ((2,), 0)])
@pytest.mark.parametrize("with_zeros", [True, False])
def test_one_scale_or_one_for_each_index(shape: tuple[int, ...], axis: int, with_zeros: bool) -> None:
    values, scales = np.arange(-3, 3, dtype=np.int8).reshape(2, 3), np.full(shape, 0.5, np.float32)
    names = ["q", "scales", "zeros"][: 3 if with_zeros else 2]
    nodes = [
        helper.make_node("DequantizeLinear", names, ["w"], axis=axis),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    tensors: dict[str, NDArray[Any]] = {"q": values, "scales": scales, "zeros": np.full(shape, 1, np.int8)}
    weights = {name: tensors[name] for name in names}
    file = onnx_model(nodes, [tensor("x", 1, 2)], [tensor("y", 1, 3)], weights)
    (made,) = onnx.load_from_string(float32_weights([file])).graph.initializer
    assert np.array_equal(numpy_helper.to_array(made), (values.astype(np.float32) - with_zeros) * 0.5)


def test_what_is_no_such_file_is_refused() -> None:
    for files in ([], [quantised().file] * 2):
        with pytest.raises(ValueError, match="takes one file"):
            float32_weights(files)
    with pytest.raises(ValueError, match="not an ONNX model"):
        float32_weights([b"\x00not a model"])


def test_weights_of_another_kind_are_refused() -> None:
    node = helper.make_node("DequantizeLinear", ["q", "s"], ["w"])
    weights = {"q": np.zeros((2, 2), np.int32), "s": np.float32(1)}
    nodes = [node, helper.make_node("MatMul", ["x", "w"], ["y"])]
    file = onnx_model(nodes, [tensor("x", 1, 2)], [tensor("y", 1, 2)], {k: np.asarray(v) for k, v in weights.items()})
    with pytest.raises(ValueError, match="int32 with scales of float32 is not supported"):
        float32_weights([file])
