"""YuNet's form without its weights: ONNX files with the same twelve outputs, and their card."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from detectors.faces.canary import Drawing, draw
from tests.support.onnx_files import onnx_model, tensor, write_card

STRIDES = (8, 16, 32)
PARTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
POINTS = ((-1.84, -0.64), (1.84, -0.64), (0.0, 1.92), (-1.28, 4.0), (1.28, 4.0))


def write_yunet(folder: Path, name: str = "redfaces", model: bytes | None = None, **options: object) -> Path:
    """One that takes red for a face, in a square of 512 px, or `model`. Returns the card."""
    options = {"size": 512, "searched": [512], **options}
    model = redfaces() if model is None else model
    return write_card(folder, name, "face-detection", model, "Takes red for faces.", options)


def portrait(one: Drawing) -> NDArray[np.uint8]:
    """A drawing (uint8, 256 x 256 x 3) whose middle lies in the middle of one of `redfaces`' places."""
    return np.roll(draw(one), 8, axis=1)


def noise(seed: int = 0) -> bytes:
    """Random weights: faces everywhere, of all sizes."""
    rng = np.random.default_rng(seed)
    return _model(
        {
            f"{part}_{stride}": (rng.normal(size=(count, 3)) / (60 if count == 1 else 200), rng.normal(size=count) / 5)
            for stride in STRIDES
            for part, count in PARTS.items()
        }
    )


def redfaces(gain: float = 0.2, *, without: str = "") -> bytes:
    """Twelve places wide where seven by seven are redder than blue, at the coarsest stride alone.

    `gain` 0 makes it say the same of everything; the output `without` is left out.
    """
    layers = {
        f"{part}_{stride}": (np.zeros((count, 3)), np.full(count, -20.0 if count == 1 else 0.0))
        for stride in STRIDES
        for part, count in PARTS.items()
    }
    red = np.array([[-gain, 0, gain]])  # blue, green, red go in
    layers |= {f"{part}_32": (red, np.array([-40.0 * gain])) for part in ("cls", "obj")}
    layers["bbox_32"] = (np.zeros((4, 3)), np.array([0.5, 0.5, np.log(12), np.log(12)]))
    layers["kps_32"] = (np.zeros((10, 3)), np.ravel(POINTS) + np.tile((0.5, 0.0), 5))
    return _model({name: layer for name, layer in layers.items() if name != without}, around=3)


def _model(layers: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], around: int = 0) -> bytes:
    """Each place's mean colour, over `around` places on each side too, through one linear layer for each output."""
    nodes: list[NodeProto] = []
    weights: dict[str, NDArray[Any]] = {}
    for stride in STRIDES:
        side, pad = stride * (2 * around + 1), [stride * around] * 4
        nodes.append(
            helper.make_node(
                "AveragePool",
                ["input"],
                [f"colour_{stride}"],
                kernel_shape=[side, side],
                strides=[stride, stride],
                pads=pad,
            )
        )
    for name, (slope, offset) in layers.items():
        stride, last = int(name.split("_")[1]), "flat" if name[:3] in ("cls", "obj") else ""
        weights |= {
            f"{name}.w": np.asarray(slope, np.float32)[:, :, None, None],
            f"{name}.b": np.asarray(offset, np.float32),
            f"{name}.shape": np.array([1, -1, len(offset)], np.int64),
        }
        nodes += [
            helper.make_node("Conv", [f"colour_{stride}", f"{name}.w", f"{name}.b"], [f"{name}.grid"]),
            helper.make_node("Transpose", [f"{name}.grid"], [f"{name}.last"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"{name}.last", f"{name}.shape"], [f"{name}.flat" if last else name]),
        ]
        if last:
            nodes.append(helper.make_node("Sigmoid", [f"{name}.flat"], [name]))
    outputs = [tensor(name, 1, None, len(offset)) for name, (_, offset) in layers.items()]
    return onnx_model(nodes, [tensor("input", 1, 3, "height", "width")], outputs, weights, opset=11)
