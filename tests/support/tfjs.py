"""Graph models of TensorFlow.js as npm packages bundle them, and what they compute, in NumPy, channels last."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_PROLOGUE = "!function(t){window.model=t()}(function(){return function t(e,a,l){}({1:[function(t,e,a){e.exports="
_EPILOGUE = "},{}]},{},[1])(1)});"


def bundled(literal: str) -> bytes:
    """A JavaScript module with one export."""
    return f"{_PROLOGUE}{literal}{_EPILOGUE}".encode()


def minified(value: object) -> str:
    """JSON as a minifier writes it: names without quotes, `!0` for true, no zero before a dot."""
    text = json.dumps(value, separators=(",", ":"))
    text = re.sub(r'"([A-Za-z_]\w*)":', r"\1:", text).replace("true", "!0").replace("false", "!1")
    return re.sub(r"(?<![\w.])(-?)0\.(\d)", r"\1.\2", text)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def operation(op: str, name: str, inputs: Sequence[str], **attributes: Any) -> dict[str, Any]:
    """A node. Lists of whole numbers, and of fused operations, are written as the converter does."""
    attr: dict[str, Any] = {}
    for key, value in attributes.items():
        if key == "padding":
            attr[key] = {"s": coded(value)}
        elif key == "fused_ops":
            attr[key] = {"list": {"s": [coded(each) for each in value]}}
        else:
            attr[key] = {"list": {"i": [str(each) for each in value]}}
    return {"name": name, "op": op, "input": list(inputs), "attr": attr}


def written(
    nodes: Sequence[Mapping[str, Any]], weights: Mapping[str, NDArray[np.uint8]], side: int, shards: int = 2
) -> tuple[list[bytes], dict[str, Values]]:
    """The bundled files of a graph with weights in 8 bits, and the weights that they mean."""
    dim = [{"size": each} for each in ("-1", str(side), str(side), "3")]
    placeholder = {"name": "input", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": dim}}}}
    constants = [{"name": name, "op": "Const", "attr": {"fixed": {"b": False}}} for name in weights]
    scales = {name: (0.03125 + 0.001 * number, -0.25 * number) for number, name in enumerate(weights)}
    manifest = [
        {
            "name": name,
            "shape": list(values.shape),
            "dtype": "float32",
            "quantization": {"min": scales[name][1], "scale": scales[name][0], "dtype": "uint8"},
        }
        for name, values in weights.items()
    ]
    model = {
        "format": "graph-model",
        "modelTopology": {"node": [placeholder, *constants, *nodes], "versions": {"producer": 1.5}},
        "weightsManifest": [{"paths": ["group1-shard1of2"], "weights": manifest}],
    }
    data = b"".join(values.tobytes() for values in weights.values())
    cut = [data[len(data) * part // shards : len(data) * (part + 1) // shards] for part in range(shards)]
    files = [bundled(minified(model)), *(bundled(f'"{base64.b64encode(part).decode()}"') for part in cut)]
    meant = {
        name: np.asarray(np.float32(values * scales[name][0] + scales[name][1]), np.float64)
        for name, values in weights.items()
    }
    return files, meant


def computed(nodes: Sequence[Mapping[str, Any]], weights: Mapping[str, Values], pixels: Values) -> Values:
    """The output of a graph for images (N x H x W x 3), operation by operation, as TensorFlow defines them."""
    tensors: dict[str, Values] = {"input": pixels, **weights}
    last = pixels
    for node in nodes:
        if node["op"] in ("Const", "Placeholder"):
            continue
        last = tensors[node["name"]] = _of(node, [tensors[name] for name in node["input"]])
    return last


def _of(node: Mapping[str, Any], inputs: Sequence[Values]) -> Values:
    attr, x = node["attr"], inputs[0]
    match node["op"]:
        case "_FusedConv2D":
            summed = np.einsum("nhwcij,ijco->nhwo", _windows(attr, x, inputs[1].shape), inputs[1], optimize=True)
            return _fused(attr, summed + inputs[2])
        case "FusedDepthwiseConv2dNative":
            spread = np.einsum("nhwcij,ijcm->nhwcm", _windows(attr, x, inputs[1].shape), inputs[1])
            return _fused(attr, spread.reshape(*spread.shape[:3], -1) + inputs[2])
        case "_FusedMatMul":
            return _fused(attr, x @ inputs[1] + inputs[2])
        case "AvgPool":
            kernel = [int(each) for each in attr["ksize"]["list"]["i"]][1:3]
            return np.asarray(_windows(attr, x, (*kernel, 0, 0)).mean(axis=(-2, -1)))
        case "Squeeze":
            return x[:, 0, 0]
        case "Softmax":
            powers = np.exp(x - x.max(axis=-1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
        case "Identity":
            return x
        case "AddV2":
            return x + inputs[1]
        case "Mul":
            return x * inputs[1]
        case "Sub":
            return x - inputs[1]
        case unknown:
            raise ValueError(unknown)


def _windows(attr: Mapping[str, Any], x: Values, kernel: Sequence[int]) -> Values:
    """What the kernel sees at each place: N x H' x W' x C x kh x kw."""
    stride = int(attr["strides"]["list"]["i"][1])
    if base64.b64decode(attr["padding"]["s"]) == b"SAME":
        pads = []
        for size, width in zip(x.shape[1:3], kernel[:2], strict=True):
            total = max((-(-size // stride) - 1) * stride + width - size, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, ((0, 0), *pads, (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(x, tuple(kernel[:2]), axis=(1, 2))[:, ::stride, ::stride]


def _fused(attr: Mapping[str, Any], x: Values) -> Values:
    match [base64.b64decode(each).decode() for each in attr["fused_ops"]["list"]["s"]][1:]:
        case ["Relu6"]:
            return np.clip(x, 0, 6)
        case ["Relu"]:
            return np.maximum(x, 0)
        case _:
            return x
