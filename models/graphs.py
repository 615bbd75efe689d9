"""Surgery on ONNX graphs."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray


def cut(model: bytes, outputs: Sequence[str]) -> bytes:
    """The serialised `model` with the inner tensors `outputs` (float) as its only outputs.

    Nodes and weights that they do not need are gone: ONNX Runtime would run them all the same.

    Raises:
        ValueError: the model has no tensor of that name.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    maker = {name: node for node in graph.node for name in node.output}
    if strangers := set(outputs) - set(maker):
        raise ValueError(f"the model has no tensor {', '.join(sorted(strangers))}")
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += maker[name].input if name in maker else ()
    nodes = [node for node in graph.node if needed.intersection(node.output)]
    weights = [weight for weight in graph.initializer if weight.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.output.extend(onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs)
    serialized: bytes = proto.SerializeToString()
    return serialized


def filled(graph: bytes, weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The serialised `graph`, which has none, with `weights` by name.

    Raises:
        ValueError: the graph is no ONNX model.
    """
    try:
        proto = onnx.load_from_string(graph)
    except Exception as broken:  # protobuf's own kinds
        raise ValueError("this is no ONNX model") from broken
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(values, name) for name, values in weights.items())
    serialized: bytes = proto.SerializeToString()
    return serialized
