"""ONNX models made on the spot, and as an operator drops them into a folder: the file with its card beside it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper


def tensor(name: str, *shape: int | str | None) -> ValueInfoProto:
    """An input or output of float32."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def onnx_model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    weights: Mapping[str, NDArray[Any]],
    opset: int = 17,
) -> bytes:
    """The file of a graph, after ONNX's own check."""
    named = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "made_for_a_test", inputs, outputs, named)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_card(folder: Path, name: str, task: str, model: bytes, summary: str, options: Mapping[str, object]) -> Path:
    """Writes the model and its card into `folder`, which is created. Returns the card."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(model)
    card = {
        "name": name,
        "version": "1",
        "task": task,
        "licence": "MIT",
        "summary": summary,
        "source": {"kind": "beside"},
        "files": {f"{name}.onnx": hashlib.sha256(model).hexdigest()},
        "options": options,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card))
    return path
