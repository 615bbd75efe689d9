"""Write a head as ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .heads import Head
from .leave_out import CLIP


def write(path: Path, head: Head) -> None:
    """Features (N, D) to (N, 1 + K): the score, about -1 for real and 1 for synthetic, then one for each kind."""
    weights = np.concatenate([head.synthetic.weights, head.kinds.weights], axis=1)
    constants = {
        "mean": head.scaling.mean,
        "deviation": head.scaling.deviation,
        "low": np.array(-CLIP, np.float32),
        "high": np.array(CLIP, np.float32),
        "weights": weights,
        "bias": np.concatenate([head.synthetic.bias, head.kinds.bias]),
    }
    nodes = [
        helper.make_node("Sub", ["input", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "low", "high"], ["clipped"]),
        helper.make_node("Gemm", ["clipped", "weights", "bias"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", weights.shape[0]])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
