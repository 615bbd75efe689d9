"""Products of an INT8 matrix with vectors, by ONNX Runtime: a quarter of the bytes of float32, and exact."""

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelFault
from models.sessions import CPU, open_session

VECTOR_LIMIT = 63
"""Largest absolute value of a vector's elements. Processors without VNNI add two products in 16 bits: with a vector
that is shifted to 1..127 they cannot overflow, so the result is exact everywhere."""

_SHIFT = 64


class Int8Matrix:
    """A matrix (int8, N x D, values of -127..127) that vectors are multiplied by. Thread-safe."""

    def __init__(self, rows: NDArray[np.int8]) -> None:
        """Raises ModelFault if ONNX Runtime refuses it."""
        try:
            self._session = open_session(_product(rows), 1, CPU)
        except Exception as fault:
            raise ModelFault(f"ONNX Runtime cannot load a matrix: {fault}") from fault

    def products(self, vector: NDArray[np.int8]) -> NDArray[np.int32]:
        """The product of each row with `vector` (int8, (D,), values of -63..63): int32, (N,). Raises ModelFault."""
        shifted = (vector.astype(np.int16) + _SHIFT).astype(np.uint8)
        try:
            return np.asarray(self._session.run(None, {"vector": shifted[None]})[0][0], np.int32)
        except Exception as fault:
            raise ModelFault(f"ONNX Runtime: {fault}") from fault


def _product(rows: NDArray[np.int8]) -> bytes:
    """The model that multiplies a shifted vector by `rows`."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - as in `sessions`: only where it is needed

    count, width = rows.shape
    node = helper.make_node("MatMulInteger", ["vector", "rows", "shift"], ["products"])
    graph = helper.make_graph(
        [node],
        "products",
        [helper.make_tensor_value_info("vector", TensorProto.UINT8, [1, width])],
        [helper.make_tensor_value_info("products", TensorProto.INT32, [1, count])],
        [
            numpy_helper.from_array(np.ascontiguousarray(rows.T), "rows"),
            numpy_helper.from_array(np.array(_SHIFT, np.uint8), "shift"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    serialized: bytes = model.SerializeToString()
    return serialized
