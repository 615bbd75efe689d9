import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from detectors.synthetic.encoder import BLOCKS, tensor_of
from models.graphs import awaiting, cut, without_weights
from models.sessions import InMemorySession
from tests.support.encoders import small_encoder

BATCH = {"pixel_values": np.random.default_rng(1).normal(size=(2, 3, 224, 224)).astype(np.float32)}


def test_inner_tensors_become_the_outputs() -> None:
    session = ort.InferenceSession(cut(small_encoder(), [tensor_of(BLOCKS[0]), tensor_of(BLOCKS[1])]))
    first, second = session.run(None, BATCH)
    assert [out.name for out in session.get_outputs()] == [tensor_of(BLOCKS[0]), tensor_of(BLOCKS[1])]
    assert first.shape == (2, 197, 768)
    np.testing.assert_allclose(np.tanh(first), second, atol=1e-6)


def test_what_is_not_needed_is_gone() -> None:
    graph = onnx.load_from_string(cut(small_encoder(), [tensor_of(BLOCKS[0])])).graph
    assert {node.op_type for node in graph.node} == {"GlobalAveragePool", "Reshape", "MatMul", "Add"}
    graph = onnx.load_from_string(cut(small_encoder(), ["mean"])).graph
    assert not graph.initializer


def test_an_unknown_tensor_is_an_error() -> None:
    with pytest.raises(ValueError, match="no tensor nowhere"):
        cut(small_encoder(), ["nowhere"])


def float_weights() -> dict[str, NDArray[np.float32]]:
    """Those of the small encoder; its shapes are not among them."""
    every = ((one.name, numpy_helper.to_array(one)) for one in onnx.load_from_string(small_encoder()).graph.initializer)
    return {name: values for name, values in every if values.dtype == np.float32}


def test_weights_are_given_to_a_graph_without_any() -> None:
    model, weights = onnx.load_from_string(small_encoder()), float_weights()
    kept = [one for one in model.graph.initializer if one.name not in weights]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    session = InMemorySession(model.SerializeToString(), weights=weights)
    expected = ort.InferenceSession(small_encoder()).run(None, BATCH)[0]
    np.testing.assert_array_equal(session.run(**BATCH), expected)


def test_weights_are_taken_out_and_given_back_under_other_names() -> None:
    weights = float_weights()
    empty = without_weights(small_encoder(), {name: f"own.{name}" for name in weights})
    assert not {one.name for one in onnx.load_from_string(empty).graph.initializer} & weights.keys()
    named = {f"own.{name}": values for name, values in weights.items()} | {"of another network": np.ones(1, np.float32)}
    graph, names = awaiting(empty, named)
    assert "of another network" not in names
    assert "of another network" not in {one.name for one in onnx.load_from_string(graph).graph.initializer}
    assert len(graph) < len(small_encoder())
    session = InMemorySession(empty, weights=named)
    del named, weights
    expected = ort.InferenceSession(small_encoder()).run(None, BATCH)[0]
    np.testing.assert_array_equal(session.run(**BATCH), expected)


def test_what_is_no_model_awaits_nothing() -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        awaiting(b"no graph", {})


def test_further_weights_are_an_error() -> None:
    with pytest.raises(ValueError, match="further weights"):
        without_weights(small_encoder(), {})
