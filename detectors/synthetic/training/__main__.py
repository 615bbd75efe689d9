"""The detector's recipe: `python -m detectors.synthetic.training COMMAND --pack DIR --store DIR --out DIR`.

evaluate   leave whole repositories out, print the figures of any choice of blocks and penalty
ablate     the same for each choice that was compared
fit        both heads, their calibration and the tables of the model card
nested     rates where thresholds were chosen on other repositories
families   whether families of generators can be told apart
localise   how well heatmaps show what was edited
network    fine-tune the small network (torch)
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2

from detectors.synthetic.calibration import Calibration
from detectors.synthetic.encoder import BLOCKS, Encoder
from detectors.synthetic.network import Network
from models import find_card

from . import ablation, calibrate, card, data, families, features, head_file, heads, localise, nested, pack, tables
from .calibrate import Rows
from .heads import Recipe

ENCODER, NETWORK, KINDS = Recipe(1.0), Recipe(0.3), Recipe(1.0)


def main() -> None:
    """Run one command. Features are computed once and kept in --out."""
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    cv2.setNumThreads(1)
    _COMMANDS[options.command](options)


def _prepared(options: argparse.Namespace) -> data.Data:
    return data.prepare(options.pack, options.store, options.out, options.threads, find_card("synthetic"))


def _evaluate(options: argparse.Namespace) -> None:
    """Every image scored by a head that never saw its repository."""
    prepared = _prepared(options)
    recipe = Recipe(options.penalty, options.power)
    _, held_out = heads.fit(prepared.pack, prepared.of_blocks(options.blocks), recipe, KINDS)
    conditions = dict(zip(features.CONDITIONS, held_out.scores, strict=True))
    print(tables.all_of(prepared.pack, {"encoder": conditions}))


def _ablate(options: argparse.Namespace) -> None:
    """The card's table of what helped and what did not."""
    print(ablation.table(_prepared(options), options.match))


def _fit(options: argparse.Namespace) -> None:
    """The files that ship, but for the network, and `tables.md`."""
    prepared = _prepared(options)
    head, held_out = heads.fit(prepared.pack, prepared.of_blocks(BLOCKS), ENCODER, KINDS)
    small_head, small_held_out = heads.fit(prepared.pack, prepared.network, NETWORK, KINDS)
    rows = Rows.of(prepared.pack, held_out, prepared.everything)
    small_rows = Rows.of(
        prepared.pack, small_held_out, prepared.unseen_by_network, calibrate.SHARES_ALONE, calibrate.FLOORS_ALONE
    )
    calibration = Calibration(with_encoder=calibrate.scale(rows), alone=calibrate.scale(small_rows))
    folder = options.out / "synthetic"
    folder.mkdir(exist_ok=True)
    head_file.write(folder / "head.onnx", head)
    head_file.write(folder / "network-head.onnx", small_head)
    (folder / "calibration.json").write_text(calibration.model_dump_json(indent=1) + "\n")
    text = card.tables_of(prepared, held_out, small_held_out, rows, small_rows, calibration)
    (options.out / "tables.md").write_text(text)
    print(text)


def _nested(options: argparse.Namespace) -> None:
    """Floors chosen on half of the repositories, judged on the other half."""
    prepared = _prepared(options)
    _, held_out = heads.fit(prepared.pack, prepared.of_blocks(BLOCKS), ENCODER, KINDS)
    print(nested.table(prepared.pack, Rows.of(prepared.pack, held_out, prepared.everything), options.splits))


def _families(options: argparse.Namespace) -> None:
    """Why no family of generators is named."""
    prepared = _prepared(options)
    _, held_out = heads.fit(prepared.pack, prepared.of_blocks(BLOCKS), ENCODER, KINDS)
    taken = held_out.kinds[0].argmax(1)
    print(families.table(prepared.pack, prepared.of_blocks(BLOCKS), taken, options.splits))


def _localise(options: argparse.Namespace) -> None:
    encoder = Encoder(find_card("clip-vit-b16").kept_in(options.store), threads=options.threads)
    network = Network(find_card("synthetic"), threads=options.threads)
    of_images = (options.images, options.large, options.without, int(not options.real_parts))
    print(localise.table(_prepared(options), encoder, network, (ENCODER, NETWORK, KINDS), *of_images))


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
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--pack", type=Path, required=True, help="folder with manifest.csv and its images")
    parser.add_argument("--store", type=Path, required=True, help="`models` folder of a COUNTERMARK_HOME")
    parser.add_argument("--out", type=Path, required=True, help="folder for features, checkpoints and results")
    parser.add_argument("--blocks", type=_numbers, default=BLOCKS, help="`evaluate`: blocks of the encoder, as 6,8,10")
    parser.add_argument("--penalty", type=float, default=1.0, help="`evaluate`: of the ridge regression, per feature")
    parser.add_argument("--power", type=float, default=0.5, help="`evaluate`: a group of n images weighs n ** POWER")
    parser.add_argument("--steps", type=int, default=400, help="`network`: training steps")
    parser.add_argument("--match", default="", help="`ablate`: only variants with this in their names")
    parser.add_argument("--images", type=int, default=100, help="`localise`: edited images to measure")
    parser.add_argument("--large", type=Path, help="`localise`: edit the photographs of this folder at 1024 to 2048 px")
    parser.add_argument("--without", type=_names, default=(), help="`localise`: repositories of the same photographs")
    parser.add_argument("--real-parts", action="store_true", help="`localise`: put parts of real images in, as a check")
    parser.add_argument("--splits", type=int, default=20, help="`nested`: random halves of the groups")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(";"))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


_COMMANDS = {
    "evaluate": _evaluate,
    "ablate": _ablate,
    "fit": _fit,
    "nested": _nested,
    "families": _families,
    "localise": _localise,
    "network": _network,
}

if __name__ == "__main__":
    main()
