"""A classifier of somebody else: an ONNX file and its card, as an operator drops them into a folder."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from tests.support.onnx_files import onnx_model, tensor, write_card

ASKED = {"size": 32, "mean": [0, 0, 0], "deviation": [1, 1, 1]}


def write_member(folder: Path, name: str = "redness", **options: object) -> Path:
    """A model with two logits, (real, synthetic): the redder the picture, the more synthetic. Returns the card."""
    return _write(folder, name, "synthetic-detection", redness(), {**ASKED, "synthetic": 1, **options})


def write_safety(folder: Path, name: str = "redness", model: bytes | None = None, **options: object) -> Path:
    """The same model, or `model`, as a safety classifier that takes red for unsafe. Returns the card."""
    options = {**ASKED, "unsafe": 1, "label": "red", **options}
    return _write(folder, name, "image-safety", redness() if model is None else model, options)


def write_boxes(folder: Path, name: str = "redboxes", model: bytes | None = None, **options: object) -> Path:
    """A detector of red and of blue, or `model`, of which red is unsafe. Returns the card."""
    options = {"output": "boxes", "size": 64, "labels": ["RED", "BLUE"], "unsafe": "RED", "label": "red", **options}
    return _write(folder, name, "image-safety", boxes() if model is None else model, options)


def _write(folder: Path, name: str, task: str, model: bytes, options: dict[str, object]) -> Path:
    return write_card(folder, name, task, model, "Takes red for what it looks for.", options)


def redness(slope: float = 4, boxes: int = 1, *, stuck: bool = False) -> bytes:
    """Two logits a picture, steeper by `slope` (0: the same for all); `boxes` times over, as a detector of objects.

    `stuck`: the second says 0 of everything.
    """
    half, red = slope / 2, 0.0 if stuck else slope
    weights: dict[str, NDArray[Any]] = {
        "shape": np.array([-1, 3], np.int64),
        "to_logits": np.array([[-slope, red], [half, -red / 2], [half, -red / 2]], np.float32),
        "out": np.array([-1, 2, 1], np.int64),
        "often": np.array([1, 1, boxes], np.int64),
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "to_logits"], ["two"]),
        helper.make_node("Reshape", ["two", "out"], ["standing"]),
        helper.make_node("Tile", ["standing", "often"], ["logits"]),
    ]
    return onnx_model(nodes, [tensor("pixels", "n", 3, "h", "w")], [tensor("logits", "n", 2, boxes)], weights)


def boxes(slope: float = 8.0, *, logits: bool = False, first: bool = False) -> bytes:
    """Boxes with probabilities of red and of blue for each place of 8 px; `slope` 0 makes them 1/2 everywhere.

    `logits`: numbers that are no probabilities yet. `first`: places come before what is said of them.
    """
    rows = np.zeros((6, 3, 1, 1), np.float32)
    rows[4, :, 0, 0], rows[5, :, 0, 0] = (slope, -slope, -slope), (-slope, -slope, slope)
    weights: dict[str, NDArray[Any]] = {
        "rows": rows,
        "offset": np.array([0, 0, 0, 0, -slope / 2, -slope / 2], np.float32),
        "shape": np.array([1, 6, -1], np.int64),
    }
    last = "flat" if first else "output0"
    nodes = [
        helper.make_node("AveragePool", ["images"], ["colours"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["colours", "rows", "offset"], ["grid"]),
        helper.make_node("Reshape", ["grid", "shape"], ["numbers"]),
        helper.make_node("Identity" if logits else "Sigmoid", ["numbers"], [last]),
    ]
    if first:
        nodes.append(helper.make_node("Transpose", ["flat"], ["output0"], perm=[0, 2, 1]))
    return onnx_model(nodes, [tensor("images", 1, 3, "h", "w")], [tensor("output0", 1, None, None)], weights)
