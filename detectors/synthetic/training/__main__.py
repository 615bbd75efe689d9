"""The detector's recipe: `python -m detectors.synthetic.training COMMAND --pack DIR --store DIR --out DIR`.

evaluate   leave whole repositories out, print the figures
network    fine-tune the small network (torch)
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np

from models import find_card

from . import data, features, heads, pack, tables
from .data import Data
from .leave_out import Scaling, kernel_of


def main() -> None:
    """Run one command. Features are computed once and kept in --out."""
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    cv2.setNumThreads(1)
    if options.command == "network":
        _network(options)
    else:
        _evaluate(options)


def _evaluate(options: argparse.Namespace) -> None:
    """Every image scored by a head that never saw its repository, with any choice of blocks and penalty."""
    prepared = data.prepare(options.pack, options.store, options.out, options.threads, find_card("synthetic"))
    recipe = heads.Recipe(options.penalty, options.power)
    models = {
        "encoder": held_out(prepared, prepared.of_blocks(options.blocks), recipe),
        "network": held_out(prepared, prepared.network, recipe),
    }
    parts = [tables.overall(prepared.pack, models)]
    for name, conditions in models.items():
        parts += [
            f"Real images, {name}:",
            tables.by_subject(prepared.pack, conditions),
            f"Generators, {name}:",
            tables.by_generator(prepared.pack, conditions),
        ]
    parts += ["Groups, encoder:", *(tables.by_group(prepared.pack, models["encoder"], label) for label in (1, 0))]
    print("\n\n".join(parts))


def held_out(prepared: Data, of: list[np.ndarray], recipe: heads.Recipe) -> dict[str, np.ndarray]:
    """For each condition, the scores (N,) of images by heads fitted without their group, on the features `of`."""
    rows = np.concatenate(of)
    solved = heads.fit_synthetic(prepared.pack, kernel_of(Scaling.of(rows)(rows)), len(of), recipe, prepared.pack.group)
    return dict(zip(features.CONDITIONS, heads.by_condition(solved.left_out[:, 0], len(of)), strict=True))


def _network(options: argparse.Namespace) -> None:
    import torch  # the only command that needs it

    from . import export, finetune

    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained = finetune.train(pack.load(options.pack), options.steps, options.out / "network.pt", device)
    export.write_network(options.out / "network.onnx", trained)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m detectors.synthetic.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("evaluate", "network"))
    parser.add_argument("--pack", type=Path, required=True, help="folder with manifest.csv and its images")
    parser.add_argument("--store", type=Path, required=True, help="`models` folder of a COUNTERMARK_HOME")
    parser.add_argument("--out", type=Path, required=True, help="folder for features, checkpoints and results")
    parser.add_argument("--blocks", type=_numbers, default=(6, 7, 8, 9, 10), help="blocks of the encoder: 6,7,8,9,10")
    parser.add_argument("--penalty", type=float, default=1.0, help="of the ridge regression, per feature")
    parser.add_argument("--power", type=float, default=0.5, help="a group of n images weighs n ** POWER")
    parser.add_argument("--steps", type=int, default=400, help="training steps of the network")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    main()
