"""Editing of ONNX graphs."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray


def serialised(model: onnx.ModelProto) -> bytes:
    """The bytes of a model, the same for the same model: its digest may be written down."""
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def cut(model: bytes, outputs: Sequence[str]) -> bytes:
    """The serialised `model` with the inner float tensors `outputs` as its only outputs.

    Nodes and weights they do not need are removed: ONNX Runtime would run them anyway.

    Raises:
        ValueError: the model has no tensor with such a name.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    producer = {name: node for node in graph.node for name in node.output}
    if unknown := set(outputs) - set(producer):
        raise ValueError(f"the model has no tensor {', '.join(sorted(unknown))}")
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += producer[name].input if name in producer else ()
    nodes = [node for node in graph.node if needed.intersection(node.output)]
    weights = [weight for weight in graph.initializer if weight.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.output.extend(onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs)
    serialized: bytes = proto.SerializeToString()
    return serialized


def without_weights(model: bytes, names: Mapping[str, str]) -> bytes:
    """The serialised `model` without the weights in `names` (name in the model to name for `awaiting`).

    Raises:
        ValueError: the model has further float weights.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    kept = [weight for weight in graph.initializer if weight.name not in names]
    if unknown := [weight.name for weight in kept if weight.data_type != onnx.TensorProto.INT64]:
        raise ValueError(f"the model has further weights: {', '.join(sorted(unknown)[:3])}")
    for node in graph.node:
        renamed = [names.get(name, name) for name in node.input]
        del node.input[:]
        node.input.extend(renamed)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    serialized: bytes = proto.SerializeToString()
    return serialized


def awaiting(graph: bytes, weights: Mapping[str, NDArray[np.float32]]) -> tuple[bytes, list[str]]:
    """The serialised `graph` with a place for those of `weights` that it reads, and their names, sorted.

    ONNX Runtime is given the values beside it (`add_external_initializers`), which saves writing them into the model
    and reading them out again.

    Raises:
        ValueError: `graph` is not an ONNX model.
    """
    try:
        proto = onnx.load_from_string(graph)
    except Exception as broken:  # protobuf's own types
        raise ValueError("not an ONNX model") from broken
    read = {name for node in proto.graph.node for name in node.input}
    names = sorted(read & weights.keys())
    for name in names:
        place = proto.graph.initializer.add(name=name, dims=weights[name].shape, data_type=onnx.TensorProto.FLOAT)
        place.data_location = onnx.TensorProto.EXTERNAL
        place.external_data.add(key="location", value="beside the model")
    serialized: bytes = proto.SerializeToString()
    return serialized, names
