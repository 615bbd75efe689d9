"""A stand-in for the encoder's file: the same names and shapes, and features that follow the colours."""

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from detectors.synthetic.encoder import BLOCKS, tensor_of
from models import Card, find_card
from tests.support.onnx_files import onnx_model, tensor


def write_encoder(folder: Path) -> Card:
    """Writes the file into `folder` and returns the card that reads it there."""
    model = small_encoder()
    card = find_card("clip-vit-b16")
    (name,) = card.files
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(model)
    files = {name: hashlib.sha256(model).hexdigest()}
    return Card.model_validate({**card.model_dump(), "files": files, "source": {"kind": "folder", "path": str(folder)}})


def small_encoder() -> bytes:
    """pixel_values (N, 3, 224, 224) to tokens (N, 197, 768) after each block: the mean colour, projected at random."""
    rng = np.random.default_rng(3)
    weights: dict[str, NDArray[Any]] = {
        "to_tokens": rng.normal(0, 0.3, (3, 768)).astype(np.float32),
        "shape": np.array([-1, 1, 3], np.int64),
        "positions": rng.normal(0, 0.1, (1, 197, 768)).astype(np.float32),
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixel_values"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "to_tokens"], ["token"]),
        helper.make_node("Add", ["token", "positions"], [tensor_of(BLOCKS[0])]),
        *(helper.make_node("Tanh", [tensor_of(a)], [tensor_of(b)]) for a, b in pairwise(BLOCKS)),
        helper.make_node("ReduceMean", [tensor_of(BLOCKS[-1])], ["image_embeds"], axes=[1], keepdims=0),
    ]
    pixels, embeds = tensor("pixel_values", "n", 3, 224, 224), tensor("image_embeds", "n", 768)
    return onnx_model(nodes, [pixels], [embeds], weights, opset=14)
