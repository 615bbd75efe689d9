"""Train the prompt classifier: `python -m detectors.prompts.training --prompts DIR --out DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from . import data, export, fit, tables


def main() -> None:
    """Held-out logits by fold, limits, tables, then the final model on all prompts. A few minutes on one core."""
    parser = argparse.ArgumentParser(prog="python -m detectors.prompts.training", description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True, help="folder with i2p.csv and coco_captions.csv")
    parser.add_argument("--out", type=Path, required=True, help="output folder for tables.md and the model")
    options = parser.parse_args()
    prompts = data.load(options.prompts)
    fold = fit.folds(prompts)
    models = [fit.fit(prompts, fold != number) for number in range(fit.FOLDS)]
    logits = fit.held_out_logits(prompts, fold, models, prompts.rows)
    limits = fit.limits(prompts, logits)
    export.write(options.out / "prompts", fit.fit(prompts, np.ones(len(fold), bool)), limits)
    text = "\n\n".join((
        f"{len(set(prompts.group[~prompts.caption]))} groups of {(~prompts.caption).sum()} I2P prompts.",
        tables.by_category(prompts, logits, limits),
        tables.together(prompts, logits, limits),
        tables.under_evasions(prompts, fold, models, limits),
    ))  # fmt: skip
    (options.out / "tables.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
