"""Image classifiers of TensorFlow.js as ONNX: a graph model whose files are bundled as JavaScript modules.

Packages on the npm registry ship models that way: `model.min.js` holds the graph as an object literal, and
`group1-shardNofM.min.js` its weights as base64. The files are read as text; nothing is executed. Supported are the
operations of MobileNet with a linear classifier, as the converter fuses them. The ONNX graph takes channels first
(N x 3 x H x W), and all weights are float32.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from models.graphs import serialised

Weights = NDArray[np.float32]

INPUT, OUTPUT = "pixels", "probabilities"
OPSET, IR_VERSION = 17, 8

_MODULE = re.compile(r"1:\[function\(\w+,\w+,\w+\)\{\w+\.exports=")
_END = re.compile(r"\},\{\}\]\},\{\},\[1\]\)\(1\)\}\);?\s*$")
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<yes>!0)|(?P<no>!1)'
    r"|(?P<name>[A-Za-z_$][\w$]*)"
)


def tfjs_classifier(files: Sequence[bytes]) -> bytes:
    """The ONNX file of a bundled graph model: `files` are its `model.min.js` and the shards of its weights, in order.

    Quantised weights are q * scale + minimum, in float64, rounded to float32 once.

    Raises:
        ValueError: it is not such a model, or it has an operation that is not supported.
    """
    try:
        model = json.loads(as_json(exported(files[0])))
        shards = [base64.b64decode(json.loads(exported(file)), validate=True) for file in files[1:]]
        weights = stored_weights(model["weightsManifest"], b"".join(shards))
        return serialised(_Conversion(weights).model(model["modelTopology"]["node"]))
    except (KeyError, IndexError, TypeError, UnicodeDecodeError) as malformed:
        raise ValueError(f"not a graph model of TensorFlow.js: {type(malformed).__name__} {malformed}") from malformed


def exported(file: bytes) -> str:
    """The literal that a bundled module exports."""
    text = file.decode()
    begin, end = _MODULE.search(text), _END.search(text)
    if begin is None or end is None:
        raise ValueError("not a bundled JavaScript module with one export")
    return text[begin.end() : end.start()]


def as_json(literal: str) -> str:
    """JSON of a literal as minifiers write it: names without quotes, `!0` and `!1`, numbers that begin with a dot."""

    def rewritten(token: re.Match[str]) -> str:
        match token.lastgroup:
            case "yes" | "no":
                return "true" if token.lastgroup == "yes" else "false"
            case "number":
                return re.sub(r"^(-?)\.", r"\g<1>0.", token[0]).replace(".e", "e")
            case "name":
                return token[0] if token[0] in ("true", "false", "null") else f'"{token[0]}"'
            case _:
                return token[0]

    return _TOKEN.sub(rewritten, literal)


def stored_weights(manifest: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, NDArray[Any]]:
    """The weights by name, as the manifest describes the bytes."""
    found: dict[str, NDArray[Any]] = {}
    offset = 0
    for spec in (spec for group in manifest for spec in group["weights"]):
        quantised = spec.get("quantization")
        dtype = np.dtype(quantised["dtype"] if quantised else spec["dtype"]).newbyteorder("<")
        count = int(np.prod(spec["shape"], dtype=np.int64))
        if offset + count * dtype.itemsize > len(data):
            raise ValueError("the weights are shorter than their manifest says")
        values = np.frombuffer(data, dtype, count, offset).reshape(spec["shape"])
        offset += values.nbytes
        if quantised:
            values = (values.astype(np.float64) * quantised["scale"] + quantised["min"]).astype(np.float32)
        found[spec["name"]] = values
    if offset != len(data):
        raise ValueError("the weights are longer than their manifest says")
    return found


class _Conversion:
    """One graph on its way: the tensors by the names of the original, and the ONNX nodes so far."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self._weights = weights
        self._tensors: dict[str, str] = {}
        self._nodes: list[NodeProto] = []
        self._stored: list[TensorProto] = []
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
            "_FusedConv2D": lambda node: self._convolution(node, depthwise=False),
            "FusedDepthwiseConv2dNative": lambda node: self._convolution(node, depthwise=True),
            "AddV2": lambda node: self._elementwise("Add", node),
            "Mul": lambda node: self._elementwise("Mul", node),
            "Sub": lambda node: self._elementwise("Sub", node),
            "AvgPool": self._average,
            "Squeeze": self._squeeze,
            "_FusedMatMul": self._linear,
            "Softmax": lambda node: self._node("Softmax", [self._input(node, 0)], axis=-1),
            "Identity": lambda node: self._input(node, 0),
        }

    def model(self, nodes: Sequence[Mapping[str, Any]]) -> onnx.ModelProto:
        """The whole graph, of nodes in topological order. Its last operation is the output."""
        last, side = "", 0
        for node in nodes:
            if node["op"] == "Const":
                continue
            if node["op"] == "Placeholder":
                side = int(node["attr"]["shape"]["shape"]["dim"][1]["size"])
                self._tensors[node["name"]] = INPUT
                continue
            if node["op"] not in self._operations:
                raise ValueError(f"the operation {node['op']} is not supported")
            last = self._tensors[node["name"]] = self._operations[node["op"]](node)
        self._nodes.append(helper.make_node("Identity", [last], [OUTPUT]))
        classes = self._stored[-1].dims[-1] if self._stored else 0
        pixels = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, side, side])
        found = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", classes])
        graph = helper.make_graph(self._nodes, "classifier", [pixels], [found], self._stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def _convolution(self, node: Mapping[str, Any], *, depthwise: bool) -> str:
        kernel = self._weight(node, 1)  # H x W x in x out, or H x W x channels x multiplier
        if depthwise:
            height, width, channels, multiplier = kernel.shape
            kernel = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
        else:
            kernel = kernel.transpose(3, 2, 0, 1)
        inputs = [self._input(node, 0), self._keep(kernel), self._keep(self._weight(node, 2))]
        groups = kernel.shape[0] // multiplier if depthwise else 1
        dilations = _inner(node, "dilations")
        out = self._node("Conv", inputs, group=groups, dilations=dilations, **_window(node))
        return self._activated(out, node)

    def _linear(self, node: Mapping[str, Any]) -> str:
        if any(node["attr"].get(name, {}).get("b") for name in ("transpose_a", "transpose_b")):
            raise ValueError("a transposed product is not supported")
        inputs = [self._input(node, 0), self._keep(self._weight(node, 1)), self._keep(self._weight(node, 2))]
        return self._activated(self._node("Gemm", inputs), node)

    def _activated(self, out: str, node: Mapping[str, Any]) -> str:
        """What is fused to the operation: always the bias, and perhaps an activation."""
        match [base64.b64decode(each).decode() for each in node["attr"]["fused_ops"]["list"]["s"]]:
            case ["BiasAdd"]:
                return out
            case ["BiasAdd", "Relu"]:
                return self._node("Relu", [out])
            case ["BiasAdd", "Relu6"]:
                return self._node("Clip", [out, self._keep(np.float32(0)), self._keep(np.float32(6))])
            case others:
                raise ValueError(f"the fused operations {', '.join(others)} are not supported")

    def _elementwise(self, operation: str, node: Mapping[str, Any]) -> str:
        """Of two tensors of one shape, or of one and a scalar: channels first, no other constant means the same."""
        inputs = []
        for name in node["input"][:2]:
            if name not in self._weights:
                inputs.append(self._tensors[name])
            elif self._weights[name].size == 1:
                inputs.append(self._keep(self._weights[name].reshape(())))
            else:
                raise ValueError(f"{node['op']} with a constant of shape {self._weights[name].shape} is not supported")
        return self._node(operation, inputs)

    def _average(self, node: Mapping[str, Any]) -> str:
        return self._node("AveragePool", [self._input(node, 0)], kernel_shape=_inner(node, "ksize"), **_window(node))

    def _squeeze(self, node: Mapping[str, Any]) -> str:
        axes = [int(axis) for axis in node["attr"]["squeeze_dims"]["list"]["i"]]
        if axes != [1, 2]:
            raise ValueError(f"a Squeeze of the axes {axes} is not supported")
        return self._node("Squeeze", [self._input(node, 0), self._keep(np.array([2, 3], np.int64))])

    def _input(self, node: Mapping[str, Any], number: int) -> str:
        return self._tensors[node["input"][number]]

    def _weight(self, node: Mapping[str, Any], number: int) -> Weights:
        return np.asarray(self._weights[node["input"][number]], np.float32)

    def _keep(self, values: NDArray[Any] | np.float32) -> str:
        name = f"w{len(self._stored)}"
        self._stored.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(np.shape(values)), name))
        return name

    def _node(self, operation: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, inputs, [name], **attributes))
        return name


def _inner(node: Mapping[str, Any], attribute: str) -> list[int]:
    """The two spatial numbers of a list for N x H x W x C."""
    _, height, width, _ = (int(each) for each in node["attr"][attribute]["list"]["i"])
    return [height, width]


def _window(node: Mapping[str, Any]) -> dict[str, Any]:
    """Strides and padding. TensorFlow's SAME puts what is left over at the lower right, as SAME_UPPER does."""
    padding = base64.b64decode(node["attr"]["padding"]["s"]).decode()
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding {padding} is not supported")
    return {"strides": _inner(node, "strides"), "auto_pad": "SAME_UPPER" if padding == "SAME" else "VALID"}
