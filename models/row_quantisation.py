"""INT8 models whose results do not depend on what else is in the batch.

ONNX Runtime's dynamic quantisation (`DynamicQuantizeLinear`) takes one scale for a whole tensor, from its largest and
smallest value: over all images of a batch, and within an image over all of its tokens, a few of which are many times
larger than the others. Here each row along the last axis (a token) gets a scale of its own, from its largest magnitude.
The weights stay as they are. So a batch gives what its images give alone, and the rounding error is smaller
(per-token quantisation; Yao et al. 2022, ZeroQuant, arXiv 2206.01861).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

_LARGEST, _ZERO = 127, 128
_SMALLEST_SCALE = 1e-9  # for a row of zeros
_RUNTIME = "com.microsoft"  # ONNX Runtime's own operators


@dataclass(frozen=True)
class _Product:
    """MatMulInteger, the cast of its sums, the product of both scales, and the multiplication with that."""

    sums: NodeProto
    cast: NodeProto
    scales: NodeProto
    scaled: NodeProto


def quantised_by_row(model: bytes) -> bytes:
    """The serialised `model` with every `DynamicQuantizeLinear` replaced by one that works row by row.

    Raises:
        ValueError: something else than a matrix product reads what one quantises.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    replaced: dict[str, list[NodeProto]] = {}
    for quantiser in [node for node in graph.node if node.op_type == "DynamicQuantizeLinear"]:
        products = list(_products(graph.node, quantiser))
        replaced[quantiser.output[0]] = _by_row(quantiser)
        for product in products:
            replaced |= _rescaled(product, quantiser)
    if replaced:
        graph.initializer.extend(_constants())
        proto.opset_import.append(helper.make_opsetid(_RUNTIME, 1))
    nodes = [new for node in graph.node for new in replaced.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    serialized: bytes = proto.SerializeToString()
    return serialized


def _products(nodes: Sequence[NodeProto], quantiser: NodeProto) -> Iterator[_Product]:
    """What reads the quantised tensor. Raises ValueError as `quantised_by_row`."""
    quantised, scale, _ = quantiser.output
    for sums in _readers(nodes, quantised):
        (cast,) = _readers(nodes, sums.output[0]) or [sums]
        (scaled,) = _readers(nodes, cast.output[0]) or [sums]
        scales = next((node for node in _readers(nodes, scale) if node.output[0] in scaled.input), None)
        if (sums.op_type, cast.op_type, scaled.op_type) != ("MatMulInteger", "Cast", "Mul") or scales is None:
            raise ValueError(f"{sums.op_type} {sums.name} does not read {quantised} as a matrix product does")
        yield _Product(sums, cast, scales, scaled)


def _readers(nodes: Sequence[NodeProto], tensor: str) -> list[NodeProto]:
    return [node for node in nodes if tensor in node.input]


def _by_row(quantiser: NodeProto) -> list[NodeProto]:
    """The quantised tensor (uint8, around 128) and its scales (..., 1), under the names that the quantiser gave."""
    (source,) = quantiser.input
    quantised, scale, _ = quantiser.output

    def named(part: str) -> str:
        return f"{source}_{part}"

    return [
        helper.make_node("Abs", [source], [named("magnitude")]),
        helper.make_node("ReduceMax", [named("magnitude")], [named("largest")], axes=[-1], keepdims=1),
        helper.make_node("Mul", [named("largest"), "row_step"], [named("step")]),
        helper.make_node("Max", [named("step"), "row_smallest"], [scale]),
        helper.make_node("Reshape", [scale, "row_list"], [named("scales")]),
        helper.make_node("Shape", [named("scales")], [named("rows")]),
        helper.make_node(
            "ConstantOfShape",
            [named("rows")],
            [named("zeros")],
            value=helper.make_tensor("", TensorProto.UINT8, [1], [_ZERO]),
        ),
        helper.make_node("Flatten", [source], [named("flat")], axis=-1),
        helper.make_node("QuantizeLinear", [named("flat"), named("scales"), named("zeros")], [named("levels")], axis=0),
        helper.make_node("Shape", [source], [named("shape")]),
        helper.make_node("Reshape", [named("levels"), named("shape")], [quantised]),
    ]


def _rescaled(product: _Product, quantiser: NodeProto) -> dict[str, list[NodeProto]]:
    """Nodes in place of those of a product: sums around a zero of 128 times the weights' scales, times the rows'.

    ONNX Runtime's own operator does the first in one pass over memory, which is a sixth of the time of the whole model.
    """
    scale = quantiser.output[1]
    (of_weights,) = [name for name in product.scales.input if name != scale]
    levels, weights, _, *zero = product.sums.input
    (result,) = product.scaled.output
    scaled = f"{result}_by_weights"
    inputs = [levels, weights, "row_one", of_weights, "row_zero", *zero]
    return {
        product.sums.output[0]: [helper.make_node("MatMulIntegerToFloat", inputs, [scaled], domain=_RUNTIME)],
        product.cast.output[0]: [],
        product.scales.output[0]: [],
        result: [helper.make_node("Mul", [scaled, scale], [result])],
    }


def _constants() -> Iterator[TensorProto]:
    for name, value in (
        ("row_one", np.array(1, np.float32)),
        ("row_step", np.array(1 / _LARGEST, np.float32)),
        ("row_smallest", np.array(_SMALLEST_SCALE, np.float32)),
        ("row_list", np.array([-1], np.int64)),
        ("row_zero", np.array(_ZERO, np.uint8)),
    ):
        yield numpy_helper.from_array(value, name)
