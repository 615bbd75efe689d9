"""Quantised weights as plain float32, for ONNX files that ONNX Runtime does not open.

The "int8bq" files of the OpenCV zoo store each weight as INT8 in blocks, followed by DequantizeLinear and, for
convolutions, Reshape. ONNX Runtime refuses `block_size` on a bias. Here both are computed once, and what is left is the
float graph.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, numpy_helper

from models.graphs import serialised

Weights = NDArray[np.float32]

_INT8 = (np.dtype(np.int8), np.dtype(np.uint8))


def float32_weights(files: Sequence[bytes]) -> bytes:
    """The one ONNX file of `files` with its quantised weights as float32 initializers, and nothing else changed.

    Initializers that are graph inputs as well become constants, which alone ONNX Runtime folds, and inputs that nothing
    reads are dropped. The value of a weight
    is (q - zero point) * scale in float32, which has one rounding and is the same on every machine. Definition:
    https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html

    Raises:
        ValueError: `files` is not one ONNX model, or a weight is stored in another way.
    """
    if len(files) != 1:
        raise ValueError(f"float32-weights takes one file, not {len(files)}")
    try:
        model = onnx.load_from_string(files[0])
    except Exception as broken:  # protobuf's own types
        raise ValueError("not an ONNX model") from broken
    _replace(model)
    return serialised(model)


def _replace(model: ModelProto) -> None:
    graph = model.graph
    stored = {weight.name: weight for weight in graph.initializer}
    made: dict[str, Weights] = {}
    left: list[NodeProto] = []
    for node in graph.node:  # in topological order, as ONNX demands
        if node.op_type == "DequantizeLinear" and all(name in stored for name in node.input):
            made[node.output[0]] = _dequantised(node, [numpy_helper.to_array(stored[name]) for name in node.input])
        elif node.op_type == "Reshape" and node.input[0] in made and node.input[1] in stored:
            shape = numpy_helper.to_array(stored[node.input[1]]).tolist()
            made[node.output[0]] = made[node.input[0]].reshape(shape)
        else:
            left.append(node)
    read = {name for node in left for name in node.input}
    weights = [weight for weight in graph.initializer if weight.name in read]
    weights += [numpy_helper.from_array(made[name], name) for name in made if name in read]
    inputs = [each for each in graph.input if each.name in read and each.name not in stored]
    del graph.node[:], graph.initializer[:], graph.input[:], graph.value_info[:]
    graph.node.extend(left)
    graph.initializer.extend(weights)
    graph.input.extend(inputs)


def _dequantised(node: NodeProto, tensors: Sequence[NDArray[np.generic]]) -> Weights:
    """The output of a DequantizeLinear: its inputs are the values, the scales, and perhaps the zero points."""
    values, scales, *rest = tensors
    options = {each.name: each.i for each in node.attribute}
    if values.dtype not in _INT8 or scales.dtype != np.float32:
        raise ValueError(f"{node.name}: {values.dtype} with scales of {scales.dtype} is not supported")
    axis, block = options.get("axis", 1), options.get("block_size", 0)
    spread = [_spread(each, values.shape, axis, block) for each in (scales, *rest)]
    shifted = values.astype(np.int32) - (spread[1].astype(np.int32) if rest else 0)
    return np.asarray(shifted.astype(np.float32) * spread[0].astype(np.float32), np.float32)


def _spread(each: NDArray[np.generic], shape: tuple[int, ...], axis: int, block: int) -> NDArray[np.generic]:
    """Scales or zero points so that they broadcast to the values: one, one for each index of `axis`, or of a block."""
    if block:
        return np.repeat(each, block, axis=axis)[(slice(None),) * axis + (slice(shape[axis]),)]
    if each.ndim == 0 or each.size == 1:
        return each.reshape(())
    lined = [1] * len(shape)
    lined[axis] = shape[axis]
    return each.reshape(lined)
