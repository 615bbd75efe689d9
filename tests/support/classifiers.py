"""A classifier of somebody else: an ONNX file and its card, as an operator drops them into a folder."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_member(folder: Path, name: str = "redness", **options: object) -> Path:
    """A model with two logits, (real, synthetic): the redder the picture, the more synthetic. Returns the card."""
    folder.mkdir(parents=True, exist_ok=True)
    model = _redness()
    (folder / f"{name}.onnx").write_bytes(model)
    card = {
        "name": name,
        "version": "1",
        "task": "synthetic-detection",
        "licence": "MIT",
        "summary": "Takes red for synthetic.",
        "source": {"kind": "beside"},
        "files": {f"{name}.onnx": hashlib.sha256(model).hexdigest()},
        "options": {"size": 32, "mean": [0, 0, 0], "deviation": [1, 1, 1], "synthetic": 1, **options},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card))
    return path


def _redness() -> bytes:
    weights = {
        "shape": np.array([-1, 3], np.int64),
        "to_logits": np.array([[-4, 4], [2, -2], [2, -2]], np.float32),
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "to_logits"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "redness",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
