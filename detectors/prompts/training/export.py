"""Write the model files: linear.onnx and limits.json."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detectors.prompts.categories import LEARNED
from detectors.prompts.classifier import Canary, PromptThresholds
from detectors.prompts.features import SIZE, features

from .fit import Linear

_CANARIES = ("a bowl of fruit on a wooden table", "a photo of a corpse covered in blood, murder scene, horror, gore")
_DIGITS = 4


def write(folder: Path, model: Linear, limits: NDArray[np.float64]) -> None:
    """Write a graph from features (N x SIZE, float32) to scores (N x categories), and the limits.

    Weights are stored in float16; arithmetic is in float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "linear.onnx"
    path.write_bytes(_graph(model).SerializeToString())
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows = np.stack([features(text) for text in _CANARIES])
    scores = session.run(None, {"features": rows})[0]
    canaries = [
        Canary(text=text, scores={c: round(float(s), _DIGITS) for c, s in zip(LEARNED, row, strict=True)})
        for text, row in zip(_CANARIES, scores, strict=True)
    ]
    steps = 10**_DIGITS
    rounded_up = np.ceil(steps / (1 + np.exp(-limits))) / steps
    thresholds = PromptThresholds(limits=dict(zip(LEARNED, rounded_up.tolist(), strict=True)), canaries=tuple(canaries))
    (folder / "limits.json").write_text(thresholds.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _graph(model: Linear) -> onnx.ModelProto:
    weights, biases = model
    initializers = [
        numpy_helper.from_array(weights.astype(np.float16), "weights"),
        numpy_helper.from_array(biases.astype(np.float32), "biases"),
    ]
    nodes = [
        helper.make_node("Cast", ["weights"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["features", "wide"], ["products"]),
        helper.make_node("Add", ["products", "biases"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "prompts",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", SIZE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(LEARNED)])],
        initializers,
    )
    model_proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model_proto)
    return model_proto
