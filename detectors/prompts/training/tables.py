"""The tables of the model card, from held-out logits, as Markdown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from detectors.prompts.categories import LEARNED
from detectors.prompts.normalise import MAX_CHARACTERS, normalise
from detectors.prompts.rules import DEFAULT_RULES, PromptRules

from .data import Prompts, rows_of
from .evasions import EVASIONS
from .fit import Linear, held_out_logits

Logits = NDArray[np.float64]


def by_category(prompts: Prompts, logits: Logits, limits: Logits) -> str:
    """One row per category. The stricter AUC is against harmless prompts found with the same search terms."""
    lines = [
        "| category | harmful | harmless | AUC | AUC within the category | TPR at 1 % FPR | TPR at its limit | "
        "FPR at its limit | captions at its limit |",
        "|" + "---|" * 9,
    ]
    same_style = prompts.harmless & ~prompts.caption
    for column, name in enumerate(LEARNED):
        scores, positive = logits[:, column], prompts.positive[:, column]
        within = same_style & prompts.in_category[:, column]
        one_per_cent = np.quantile(scores[same_style], 0.99)
        above = scores >= limits[column]
        values = (
            _auc(scores[positive], scores[same_style]),
            _auc(scores[positive], scores[within]),
            (scores[positive] > one_per_cent).mean(),
            above[positive].mean(),
            above[same_style].mean(),
            above[prompts.caption].mean(),
        )
        cells = " | ".join(f"{value:.3f}" for value in values[:4])
        rates = " | ".join(f"{value:.4f}" for value in values[4:])
        lines.append(f"| {name} | {positive.sum()} | {same_style.sum()} | {cells} | {rates} |")
    return "\n".join(lines)


def together(prompts: Prompts, logits: Logits, limits: Logits) -> str:
    """Share of prompts that the classifier, the shipped rules, or either would refuse."""
    rules = PromptRules(DEFAULT_RULES)
    hits = [rules.hits(normalise(text)) for text in prompts.texts]
    ruled = np.array([any(hit.severity == "refuse" for hit in found) for found in hits])
    noted = np.array([bool(found) for found in hits])
    scored = np.asarray((logits >= limits).any(axis=1))
    kinds: dict[str, NDArray[np.bool_]] = {
        "harmful": np.asarray(prompts.positive.any(axis=1)),
        "harmless, same style": prompts.harmless & ~prompts.caption,
        "captions": prompts.caption,
    }
    lines = ["| prompts | n | classifier | rules | either | rules with a note |", "|" + "---|" * 6]
    for name, kind in kinds.items():
        values = " | ".join(f"{of[kind].mean():.4f}" for of in (scored, ruled, scored | ruled, noted))
        lines.append(f"| {name} | {kind.sum()} | {values} |")
    return "\n".join(lines)


def under_evasions(prompts: Prompts, fold: NDArray[np.int64], models: list[Linear], limits: Logits) -> str:
    """Recall of harmful prompts (any category) per obfuscation, at the limits and at 1 % FPR per category."""
    harmful = prompts.positive.any(axis=1)
    short = np.array([len(EVASIONS["spaced letters"](text)) <= MAX_CHARACTERS for text in prompts.texts])
    chosen = harmful & short
    plain = held_out_logits(prompts, fold, models, prompts.rows)
    loose = np.quantile(plain[prompts.harmless & ~prompts.caption], 0.99, axis=0)
    lines = [
        f"{chosen.sum()} harmful prompts.\n",
        "| disguise | at the limits, normalised | not normalised "
        "| at 1 % FPR a category, normalised | not normalised |",
        "|" + "---|" * 5,
    ]
    for name, disguise in EVASIONS.items():
        texts = [disguise(text.lower()) if keep else "" for text, keep in zip(prompts.texts, chosen, strict=True)]
        cells = []
        for limit in (limits, loose):
            for clean in (lambda text: normalise(text).text, str.lower):
                logits = held_out_logits(prompts, fold, models, rows_of([clean(text) for text in texts]))
                cells.append((logits[chosen] >= limit).any(axis=1).mean())
        lines.append(f"| {name} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")
    return "\n".join(lines)


def _auc(harmful: Logits, harmless: Logits) -> float:
    labels = np.r_[np.ones(len(harmful)), np.zeros(len(harmless))]
    return float(roc_auc_score(labels, np.r_[harmful, harmless]))
