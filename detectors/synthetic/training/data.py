"""The pack with its cached features: everything that the commands need before they fit anything."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.encoder import Encoder
from detectors.synthetic.network import Network
from models import Card, find_card

from . import duplicates, features, pack
from .pack import Pack
from .subjects import NETWORK_SAW

log = logging.getLogger(__name__)
_COMPARED = (8, 9)
"""Blocks that propose copies: they see layout and content."""


@dataclass(frozen=True)
class Data:
    """The pack, copies joined, and its features for each condition."""

    pack: Pack
    encoder: list[NDArray[np.float16]]
    network: list[NDArray[np.float16]]

    @property
    def everything(self) -> NDArray[np.bool_]:
        """Every image (N,)."""
        return np.ones(len(self.pack), bool)

    @property
    def unseen_by_network(self) -> NDArray[np.bool_]:
        """The images (N,) that the shipped network was not fine-tuned on."""
        return ~np.isin(self.pack.repository, sorted(NETWORK_SAW))

    def of_blocks(self, blocks: Sequence[int]) -> list[NDArray[np.float16]]:
        """The encoder's features of some blocks, for each condition."""
        chosen = features.columns(blocks)
        return [table[:, chosen] for table in self.encoder]


def prepare(folder: Path, store: Path, out: Path, threads: int, network: Card) -> Data:
    """Load the pack and compute what `out` does not hold yet: about half an hour on one core for 4,500 images.

    `store`: the `models` folder of a COUNTERMARK_HOME with the encoder. Raises as `pack.load` and `Encoder`.
    """
    images = pack.load(folder)
    encoder = Encoder(find_card("clip-vit-b16").kept_in(store), threads=threads, blocks=features.BLOCKS)
    small = Network(network, threads=threads)
    of_encoder = [features.of_encoder(images, condition, encoder, out) for condition in features.CONDITIONS]
    of_network = [features.of_network(images, condition, small, out) for condition in features.CONDITIONS]
    pairs = _copies(images, of_encoder[0][:, features.columns(_COMPARED)], out / "copies.json")
    joined = images.joined(pairs)
    log.info("%d images, %d groups", len(joined), len(np.unique(joined.group)))
    return Data(joined, of_encoder, of_network)


def _copies(images: Pack, table: NDArray[np.float16], path: Path) -> list[tuple[int, int]]:
    if not path.exists():
        path.write_text(json.dumps(duplicates.copies(images, table)))
    return [(int(a), int(b)) for a, b in json.loads(path.read_text())]
