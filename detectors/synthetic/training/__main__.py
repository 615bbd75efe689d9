"""Train the detector: `python -m detectors.synthetic.training --pack DIR --store DIR --out DIR`."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import torch

from detectors.synthetic.calibration import Calibration, Scale
from detectors.synthetic.encoder import Encoder
from models import find_card

from . import calibrate, evidence, export, finetune, heads, pack, tables
from .network import CutEfficientNet
from .pack import FOLDS, Pack

log = logging.getLogger(__name__)


def main() -> None:
    """Networks by fold, features, heads, calibration, tables, files. Each step resumes from existing results."""
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pictures = pack.load(options.pack)
    encoder = Encoder(find_card("clip-vit-b16").kept_in(options.store), threads=options.threads)

    def network(fold: int | None) -> CutEfficientNet:
        return finetune.train(pictures, fold, options.steps, options.out / f"fold-{fold}.pt", device)

    networks = {fold: _exported(options.out / f"fold-{fold}.onnx", network(fold)) for fold in range(len(FOLDS))}
    texture, features = [], []
    for condition in evidence.CONDITIONS:
        texture.append(evidence.texture(pictures, condition, networks, options.out))
        features.append(evidence.features(pictures, condition, encoder, options.out))
    representation = heads.held_out_scores(pictures, features)
    alone, alone_logits = _calibrated(pictures, texture, 0.0)
    combined, combined_logits = _calibrated(pictures, representation, heads.SQUASH)
    models = {"with encoder": (representation, combined_logits), "network alone": (texture, alone_logits)}
    _report(options.out, pictures, models, heads.leave_generator_out(pictures, features))
    calibration = Calibration(with_encoder=combined, alone=alone)
    head = heads.fit_head(pictures, features, np.arange(len(pictures)))
    export.write(options.out / "synthetic", network(None), head, calibration)
    log.info("files written to %s", options.out / "synthetic")


def _exported(path: Path, network: CutEfficientNet) -> ort.InferenceSession:
    """The network as it runs in production; ONNX Runtime is also twice as fast here as torch."""
    export.write_network(path, network)
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def _calibrated(pictures: Pack, scores: list[np.ndarray], squash: float) -> tuple[Scale, list[np.ndarray]]:
    """The shipped scale, fitted on all held-out scores, and logits by scales fitted without the image's fold."""
    scores = [np.tanh(squash * score) for score in scores] if squash else scores
    logits = heads.held_out_logits(pictures, scores)
    weight, bias = heads.fit_calibration(pictures, scores, np.arange(len(pictures)))
    return calibrate.scale(pictures, weight, bias, squash, logits), logits


def _report(
    out: Path,
    pictures: Pack,
    models: dict[str, tuple[list[np.ndarray], list[np.ndarray]]],
    alone: dict[str, list[np.ndarray]],
) -> None:
    rows = {
        name: dict(zip(evidence.CONDITIONS, zip(scores, logits, strict=True), strict=True))
        for name, (scores, logits) in models.items()
    }
    best = {condition: scores for condition, (scores, _) in rows["with encoder"].items()}
    parts = (
        tables.summary(pictures, rows),
        tables.by_source(pictures, best),
        tables.leave_generator_out(pictures, alone, evidence.CONDITIONS),
    )
    text = "\n\n".join(parts) + "\n"
    (out / "tables.md").write_text(text)
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m detectors.synthetic.training", description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="folder with manifest.csv and its images")
    parser.add_argument("--store", type=Path, required=True, help="`models` folder of a COUNTERMARK_HOME")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, scores, tables and the model")
    parser.add_argument("--steps", type=int, default=400, help="training steps of each network")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
