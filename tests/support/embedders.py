"""A face embedder of somebody else: an ONNX file that goes by the colours from forehead to chin, and its card."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from tests.support.onnx_files import onnx_model, tensor, write_card


def write_embedder(folder: Path, name: str = "bands", gain: float = 1.0, **options: object) -> Path:
    """Mirror images are alike to it. `gain` 0 makes it stuck. Returns the card."""
    limits = {"threshold": 0.55, "strict_threshold": 0.3, "review_distance": 0.4}
    options = {"size": 16, **limits, **options}
    return write_card(folder, name, "face-comparison", _bands(gain), "Goes by colours.", options)


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
    return onnx_model(nodes, [tensor("pixels", "n", 3, 16, 16)], [tensor("embedding", "n", 128)], weights)
