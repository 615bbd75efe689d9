"""The tables of the model card. Every figure is of images whose groups no head, threshold or calibration saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.calibration import Calibration, Scale
from detectors.synthetic.kinds import KINDS

from . import calibrate, features, tables
from .calibrate import RATES, Rows
from .data import Data
from .evaluate import calibration_error
from .heads import HeldOut
from .pack import UNKNOWN_KIND, Pack


def tables_of(
    data: Data, encoder: HeldOut, network: HeldOut, rows: Rows, network_rows: Rows, calibration: Calibration
) -> str:
    """All of them, as Markdown with headings."""
    whole, unseen = data.pack, data.pack.part(data.unseen_by_network)
    scores = dict(zip(features.CONDITIONS, encoder.scores, strict=True))
    chosen = data.unseen_by_network
    small = {c: s[chosen] for c, s in zip(features.CONDITIONS, network.scores, strict=True)}
    parts = [
        "## Ranking",
        tables.overall(whole, {"with encoder": scores}),
        tables.overall(unseen, {"network alone": small}),
        "## Verdicts, with encoder",
        _verdicts(rows),
        "## Verdicts, network alone",
        _verdicts(network_rows),
        "## By kind that the detector takes an image for, with encoder",
        _kinds(calibration.with_encoder),
        "## By kind, network alone",
        _kinds(calibration.alone),
        "## Real images by what they show: share called synthetic, with encoder",
        _subjects(whole, rows),
        "## Real images by what they show, network alone",
        _subjects(whole, network_rows),
        "## Generators, with encoder",
        tables.by_generator(whole, scores),
        "## Groups, with encoder",
        tables.by_group(whole, scores, 1),
        tables.by_group(whole, scores, 0),
        "## Kinds told apart",
        _named(whole, {"with encoder": encoder, "network alone": network}),
        _confusion(whole, encoder),
    ]
    return "\n\n".join(parts) + "\n"


def _conditions(rows: Rows) -> list[NDArray[np.bool_]]:
    """The rows of each condition."""
    count = len(rows.x) // len(features.CONDITIONS)
    return [np.arange(len(rows.x)) // count == number for number in range(len(features.CONDITIONS))]


def _verdicts(rows: Rows) -> str:
    """For images half of which are synthetic: how many are decided, how often that is right, and the ECE."""
    p = calibrate.probabilities(rows)
    lines = []
    for rate in RATES:
        synthetic, camera = calibrate.verdicts(rows, rate)
        for condition, own in zip(features.CONDITIONS, _conditions(rows), strict=True):
            real, fake = own & (rows.fake == 0), own & (rows.fake == 1)
            right = (camera[real].mean() + synthetic[fake].mean()) / 2
            decided = right + (synthetic[real].mean() + camera[fake].mean()) / 2
            values = [synthetic[real].mean(), synthetic[fake].mean(), camera[real].mean(), camera[fake].mean()]
            error = calibration_error(p[own], rows.fake[own])
            lines.append([f"{rate:g}", condition, *(f"{v:.3f}" for v in (*values, decided, right / decided, error))])
    headings = ["setting", "condition", "real called synthetic", "synthetic found", "real called camera",
                "synthetic called camera", "decided", "accuracy", "ECE"]  # fmt: skip
    return tables.markdown(headings, lines)


def _kinds(scale: Scale) -> str:
    lines = []
    for name, kind in scale.kinds.items():
        cells = [
            f"{of[str(rate)]:.3f}" if str(rate) in of else "-"
            for rate in RATES
            for of in (kind.false_positives, kind.recall)
        ]
        lines.append([KINDS[name], str(kind.real), str(kind.synthetic), *cells])
    headings = ["taken for", "real", "synthetic", *(f"{w} at {r:.0%}" for r in RATES for w in ("flagged", "found"))]
    return tables.markdown(headings, lines)


def _subjects(pack: Pack, rows: Rows) -> str:
    subject = pack.subject[rows.image]
    called = {rate: calibrate.verdicts(rows, rate)[0] for rate in RATES}
    lines = []
    for name in np.unique(subject[rows.fake == 0]):
        own = (subject == name) & (rows.fake == 0)
        cells = [f"{called[rate][own & condition].mean():.3f}" for rate in RATES for condition in _conditions(rows)]
        images = len(np.unique(rows.image[own]))
        lines.append([str(name), str(images), str(len(np.unique(rows.group[own]))), *cells])
    lines.sort(key=lambda line: line[3], reverse=True)
    headings = ["shows", "images", "groups", *(f"at {rate:.0%}, {c}" for rate in RATES for c in features.CONDITIONS)]
    return tables.markdown(headings, lines)


def _named(pack: Pack, models: dict[str, HeldOut]) -> str:
    """Share of the real images of known kind that each head names as the manifest does."""
    own = (pack.fake == 0) & (pack.kind != UNKNOWN_KIND)
    lines = [
        [name, *(f"{(kinds.argmax(1)[own] == pack.kind[own]).mean():.2f}" for kinds in held_out.kinds)]
        for name, held_out in models.items()
    ]
    return tables.markdown(["kind named right", *features.CONDITIONS], lines)


def _confusion(pack: Pack, held_out: HeldOut) -> str:
    """Share of real images of each subject that are taken for each kind, as stored."""
    taken = held_out.kinds[0].argmax(1)
    lines = []
    for name in np.unique(pack.subject[pack.fake == 0]):
        own = (pack.subject == name) & (pack.fake == 0)
        lines.append([str(name), *(f"{(taken[own] == kind).mean():.2f}" for kind in range(len(KINDS)))])
    return tables.markdown(["shows", *KINDS], lines)
