"""Models of TensorFlow.js: the ONNX file computes what the operations mean, on random weights and images."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

from models.conversions import RECIPES
from models.conversions.tfjs import tfjs_classifier
from models.sessions import InMemorySession
from tests.support.tfjs import bundled, computed, minified, operation, written

SIDE = 11
ONE, TWO = [1, 1, 1, 1], [1, 2, 2, 1]
Nodes = list[dict[str, Any]]

NODES: Nodes = [
    operation("Mul", "doubled", ["input", "two"]),
    operation("Sub", "centred", ["doubled", "one"]),
    operation(
        "_FusedConv2D",
        "first",
        ["centred", "first_w", "first_b"],
        strides=TWO,
        dilations=ONE,
        padding="SAME",
        fused_ops=["BiasAdd", "Relu6"],
    ),
    operation(
        "FusedDepthwiseConv2dNative",
        "depthwise",
        ["first", "depth_w", "depth_b"],
        strides=ONE,
        dilations=ONE,
        padding="SAME",
        fused_ops=["BiasAdd", "Relu"],
    ),
    operation(
        "_FusedConv2D",
        "last",
        ["depthwise", "last_w", "last_b"],
        strides=ONE,
        dilations=ONE,
        padding="VALID",
        fused_ops=["BiasAdd"],
    ),
    operation("AddV2", "sum", ["last", "depthwise"]),
    operation("AvgPool", "pooled", ["sum"], ksize=[1, 6, 6, 1], strides=[1, 6, 6, 1], padding="VALID"),
    operation("Squeeze", "flat", ["pooled"], squeeze_dims=[1, 2]),
    operation("_FusedMatMul", "scores", ["flat", "out_w", "out_b"], fused_ops=["BiasAdd"]),
    operation("Softmax", "shares", ["scores"]),
    operation("Identity", "output", ["shares"]),
]
SHAPES: dict[str, tuple[int, ...]] = {
    "two": (),
    "one": (1, 1, 1, 1),
    "first_w": (3, 3, 3, 4),
    "first_b": (4,),
    "depth_w": (3, 3, 4, 2),
    "depth_b": (8,),
    "last_w": (1, 1, 8, 8),
    "last_b": (8,),
    "out_w": (8, 5),
    "out_b": (5,),
}


def weights(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, 256, shape).astype(np.uint8) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("seed", range(3))
def test_the_onnx_file_computes_what_the_graph_means(seed: int) -> None:
    files, meant = written(NODES, {name: np.asarray(each) for name, each in weights(seed).items()}, SIDE)
    pixels = np.random.default_rng(seed).random((2, SIDE, SIDE, 3))
    session = InMemorySession(tfjs_classifier(files))
    found = session.run(pixels=np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32))
    expected = computed(NODES, meant, pixels.astype(np.float32).astype(np.float64))
    assert found.shape == (2, 5)
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert session.shapes["pixels"] == ("n", 3, SIDE, SIDE)


def test_it_is_deterministic_and_a_recipe_of_cards() -> None:
    files, _ = written(NODES, {name: np.asarray(each) for name, each in weights(0).items()}, SIDE)
    assert tfjs_classifier(files) == tfjs_classifier(files)
    assert RECIPES["tfjs-classifier"] is tfjs_classifier
    onnx.checker.check_model(onnx.load_from_string(tfjs_classifier(files)))


def changed(change: Callable[[Nodes], object]) -> list[bytes]:
    nodes = [{**node, "attr": dict(node["attr"])} for node in NODES]
    change(nodes)
    return written(nodes, {name: np.asarray(each) for name, each in weights(0).items()}, SIDE)[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda nodes: nodes[0].update(op="Erf"), "the operation Erf is not supported"),
        (lambda nodes: nodes[2].update(operation("_FusedConv2D", "first", nodes[2]["input"])), "not a graph model"),
        (lambda nodes: nodes[7]["attr"].update(squeeze_dims={"list": {"i": ["3"]}}), r"Squeeze of the axes \[3\]"),
        (lambda nodes: nodes[8]["attr"].update(transpose_b={"b": True}), "a transposed product"),
        (lambda nodes: nodes[1].update(input=["doubled", "first_b"]), r"Sub with a constant of shape \(4,\)"),
        (lambda nodes: nodes[2]["attr"].update(padding={"s": "RVhQTElDSVQ="}), "padding EXPLICIT"),
        (lambda nodes: nodes[4]["attr"].update(fused_ops={"list": {"s": ["RWx1"]}}), "fused operations Elu"),
    ],
)
def test_what_is_not_supported_is_named(change: Callable[[Nodes], object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tfjs_classifier(changed(change))


def test_files_that_are_no_such_model_are_refused() -> None:
    files, _ = written(NODES, {name: np.asarray(each) for name, each in weights(0).items()}, SIDE)
    for wrong in ([], [b"alert(1)"], [bundled("3")], [bundled("{broken"), *files[1:]], [b"\xff", *files[1:]]):
        with pytest.raises(ValueError, match=r".+"):
            tfjs_classifier(wrong)
    with pytest.raises(ValueError, match="shorter than"):
        tfjs_classifier(files[:2])
    with pytest.raises(ValueError, match="longer than"):
        tfjs_classifier([*files, files[1]])


def test_text_in_quotes_is_left_as_it_is() -> None:
    """A name may hold what looks like a number or a word of the language."""
    nodes = [{**node, "name": f"a !0 .5 {node['name']}"} for node in NODES]
    for node in nodes:
        node["input"] = [each if each in SHAPES or each == "input" else f"a !0 .5 {each}" for each in node["input"]]
    given = {name: np.asarray(each) for name, each in weights(0).items()}
    plain, quoted = (tfjs_classifier(written(each, given, SIDE)[0]) for each in (NODES, nodes))
    assert plain == quoted
    assert minified({"a": True, "b": -0.5}) == "{a:!0,b:-.5}"
