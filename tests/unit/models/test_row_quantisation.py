import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper

from models.row_quantisation import quantised_by_row
from tests.support.onnx_files import onnx_model, tensor

RNG = np.random.default_rng(4)
WEIGHTS = RNG.normal(size=(16, 12)).astype(np.float32)
SCALES = np.abs(WEIGHTS).max(axis=0) / 127
TOKENS = RNG.normal(size=(3, 5, 16)).astype(np.float32)
TOKENS[1] *= 50  # its neighbours' values vanish in its scale


def quantised(*more: NodeProto) -> bytes:
    """tokens (N, T, 16) times WEIGHTS, as ONNX Runtime's dynamic quantisation writes it."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["tokens"], ["levels", "step", "zero"]),
        helper.make_node("MatMulInteger", ["levels", "weights", "zero", "weights_zero"], ["sums"]),
        helper.make_node("Mul", ["step", "weights_scale"], ["scales"]),
        helper.make_node("Cast", ["sums"], ["floats"], to=1),
        helper.make_node("Mul", ["floats", "scales"], ["product"]),
        *more,
    ]
    weights = {
        "weights": np.round(WEIGHTS / SCALES).astype(np.int8),
        "weights_zero": np.zeros(12, np.int8),
        "weights_scale": SCALES.astype(np.float32),
    }
    return onnx_model(nodes, [tensor("tokens", "n", "t", 16)], [tensor("product", "n", "t", 12)], weights, opset=14)


def run(model: bytes, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = ort.InferenceSession(model).run(None, {"tokens": tokens})[0]
    return found


def test_a_batch_gives_what_its_images_give_alone() -> None:
    model = quantised_by_row(quantised())
    onnx.checker.check_model(model)
    alone = np.concatenate([run(model, tokens[None]) for tokens in TOKENS])
    np.testing.assert_array_equal(run(model, TOKENS), alone)
    assert np.abs(run(quantised(), TOKENS)[0] - run(quantised(), TOKENS[:1])[0]).max() > 0.1


def test_it_is_the_product_to_within_a_rounding_of_each_row() -> None:
    exact = TOKENS @ (np.round(WEIGHTS / SCALES) * SCALES)
    error = np.abs(run(quantised_by_row(quantised()), TOKENS) - exact).max(axis=(1, 2))
    assert (error <= np.abs(TOKENS).max(axis=(1, 2)) / 127 / 2 * np.abs(WEIGHTS).sum(axis=0).max() * 1.01).all()
    by_tensor = np.abs(run(quantised(), TOKENS) - exact).max(axis=(1, 2))
    assert error[0] < by_tensor[0] / 10


def test_a_row_of_zeros_stays_zero() -> None:
    tokens = TOKENS.copy()
    tokens[0, 2] = 0
    found = run(quantised_by_row(quantised()), tokens)
    assert not found[0, 2].any()
    assert np.isfinite(found).all()


def test_a_model_without_dynamic_quantisation_stays_as_it_is() -> None:
    plain = onnx_model([helper.make_node("Abs", ["tokens"], ["a"])], [tensor("tokens", "n")], [tensor("a", "n")], {})
    assert onnx.load_from_string(quantised_by_row(plain)) == onnx.load_from_string(plain)


def test_another_reader_is_told() -> None:
    other = helper.make_node("DequantizeLinear", ["levels", "step", "zero"], ["back"])
    with pytest.raises(ValueError, match="DequantizeLinear"):
        quantised_by_row(quantised(other))
