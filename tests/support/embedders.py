"""A face embedder of somebody else: an ONNX file that goes by the colours from forehead to chin, and its card."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def write_embedder(folder: Path, name: str = "bands", gain: float = 1.0, **options: object) -> Path:
    """Mirror images are alike to it. `gain` 0 makes it stuck. Returns the card."""
    folder.mkdir(parents=True, exist_ok=True)
    model = _bands(gain)
    (folder / f"{name}.onnx").write_bytes(model)
    limits = {"threshold": 0.55, "strict_threshold": 0.3, "review_distance": 0.4}
    card = {
        "name": name,
        "version": "1",
        "task": "face-comparison",
        "licence": "MIT",
        "summary": "Goes by colours.",
        "source": {"kind": "beside"},
        "files": {f"{name}.onnx": hashlib.sha256(model).hexdigest()},
        "options": {"size": 16, **limits, **options},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card))
    return path


def _bands(gain: float) -> bytes:
    rng = np.random.default_rng(0)
    weights: dict[str, NDArray[Any]] = {
        "shape": np.array([-1, 48], np.int64),
        "project": (gain * rng.normal(size=(48, 128))).astype(np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["bands"], axes=[3], keepdims=0),
        helper.make_node("Reshape", ["bands", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "project"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bands",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 128])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
