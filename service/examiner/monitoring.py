"""Recorded scores as a report: by week and kind against the calibration set, models on trial, and labels.

It needs the records alone, no images. A file that was examined often in a week counts once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from detectors import Histograms
from service.examiner.metrics import auroc
from service.examiner.stability import band_of, distribution, share_of_synthetic, stability_index
from service.storage import ExaminationRow, FeedbackRow

ALL = "all"
FEWEST = 200
"""Images below which an index mostly measures chance: for 200 images that did not drift it is about .04."""

References = Mapping[str, Mapping[str, Histograms]]
"""The calibration set's scores: by `calibration`, then by kind."""
Share = float
Labelled = Sequence[tuple[FeedbackRow, ExaminationRow]]


class Period(BaseModel):
    """The scores of one week, of one kind of image or of all."""

    week: str = Field(description="ISO week, such as 2026-W48.")
    kind: str = Field(description="What the images are taken for; `all`: any.")
    calibration: str
    images: int = Field(description="Different files of a sort that the classifiers were measured on.")
    out_of_scope: int = Field(description="Different files of another sort; they are not compared.")
    flagged: Share = Field(description="Share of the images that was called synthetic.")
    undecided: Share
    synthetic_share: Share | None = Field(description="Share of synthetic images that explains the scores best.")
    psi: float | None = Field(description="Population stability index against the calibration set with that share.")
    psi_earlier: float | None = Field(description="The same against the earlier weeks in this report.")
    band: Literal["stable", "moderate", "major", "too_few", "no_reference"] = Field(
        description="Of `psi`: below 0.1, below 0.25, above; or why there is none."
    )
    observed: list[int] = Field(description="Images in each of 20 bins of p_synthetic.")
    expected: list[float] | None = Field(description="Those that the mixture would have there.")


class Trial(BaseModel):
    """A model on trial beside the active one, on the files that both scored."""

    candidate: str
    calibration: str
    images: int
    mean_difference: float = Field(description="The candidate's score minus p_synthetic, on average.")
    flagged: Share = Field(description="Share that the active model called synthetic.")
    flagged_by_candidate: Share | None = Field(description="None: it gives no verdicts.")
    same_verdict: Share | None
    labelled: int = Field(description="Files among them that somebody labelled.")
    auroc: float | None = Field(description="The active model's on these; None: they are of one class.")
    candidate_auroc: float | None


class LabelCounts(BaseModel):
    """What was said about the files that people labelled so. A file counts once, with its last label."""

    label: str
    files: int
    likely_synthetic: int
    likely_camera: int
    inconclusive: int


class Monitor(BaseModel):
    """What `countermark monitor --json` prints."""

    periods: list[Period]
    trials: list[Trial]
    labels: list[LabelCounts]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Different files of one week, calibration and kind (or all kinds)."""

    week: str
    calibration: str
    kind: str
    rows: list[ExaminationRow]

    @property
    def in_scope(self) -> list[ExaminationRow]:
        return [row for row in self.rows if row.in_scope]


def monitor(rows: Iterable[ExaminationRow], labels: Labelled, references: References) -> Monitor:
    """The report over `rows`, which come by day."""
    kept = _different(rows)
    said = {row.file: given.label for given, row in labels}
    return Monitor(periods=_periods(kept, references), trials=_trials(kept, said), labels=_label_counts(labels))


def _different(rows: Iterable[ExaminationRow]) -> list[ExaminationRow]:
    """Each file once a week and calibration; if the model on trial saw it once, with that."""
    kept: dict[tuple[str, str, str], ExaminationRow] = {}
    for row in rows:
        key = (_week(row), row.calibration, row.file)
        if key not in kept or (kept[key].candidate is None and row.candidate is not None):
            kept[key] = row
    return list(kept.values())


def _periods(rows: Sequence[ExaminationRow], references: References) -> list[Period]:
    earlier: dict[tuple[str, str], NDArray[np.float64]] = {}
    periods = []
    for chosen in _chosen(rows):
        key = (chosen.calibration, chosen.kind)
        period = _period(chosen, references.get(chosen.calibration, {}), earlier.get(key))
        periods.append(period)
        earlier[key] = earlier.get(key, 0) + np.array(period.observed, np.float64)
    return periods


def _chosen(rows: Sequence[ExaminationRow]) -> Iterator[_Chosen]:
    """All kinds of a week, then each kind; week by week."""
    for week, calibration in sorted({(_week(row), row.calibration) for row in rows}):
        own = [row for row in rows if (_week(row), row.calibration) == (week, calibration)]
        yield _Chosen(week, calibration, ALL, own)
        for kind in sorted({row.kind for row in own if row.kind}):
            yield _Chosen(week, calibration, kind, [row for row in own if row.kind == kind])


def _period(chosen: _Chosen, reference: Mapping[str, Histograms], earlier: NDArray[np.float64] | None) -> Period:
    rows = chosen.in_scope
    verdicts = Counter(row.verdict for row in rows)
    observed = _histogram(rows)
    fitted = _mixture(rows, reference)
    enough = len(rows) >= FEWEST
    psi = stability_index(observed, fitted.expected) if fitted and enough else None
    return Period(
        week=chosen.week,
        kind=chosen.kind,
        calibration=chosen.calibration,
        images=len(rows),
        out_of_scope=len(chosen.rows) - len(rows),
        flagged=verdicts["likely_synthetic"] / max(len(rows), 1),
        undecided=verdicts["inconclusive"] / max(len(rows), 1),
        synthetic_share=round(fitted.share, 3) if fitted and enough else None,
        psi=None if psi is None else round(psi, 4),
        psi_earlier=round(stability_index(observed, earlier), 4)
        if enough and earlier is not None and earlier.sum() >= FEWEST
        else None,
        band=band_of(psi) if psi is not None else "no_reference" if enough else "too_few",
        observed=[int(number) for number in observed],
        expected=[round(float(number), 2) for number in fitted.expected] if fitted else None,
    )


@dataclass(frozen=True, slots=True)
class _Mixture:
    """The share of synthetic images that fits best, and the images (B,) that it leads one to expect in each bin."""

    share: float
    expected: NDArray[np.float64]


def _mixture(rows: Sequence[ExaminationRow], reference: Mapping[str, Histograms]) -> _Mixture | None:
    """None if a kind among the rows was not measured, or there are no rows."""
    kinds = sorted({row.kind or "" for row in rows})
    if not rows or any(kind not in reference for kind in kinds):
        return None
    observed = np.stack([_histogram([row for row in rows if row.kind == kind]) for kind in kinds])
    real = distribution(np.array([reference[kind].real for kind in kinds], np.float64))
    synthetic = distribution(np.array([reference[kind].synthetic for kind in kinds], np.float64))
    share = share_of_synthetic(observed, real, synthetic)
    mixed = share * synthetic + (1 - share) * real
    return _Mixture(share, np.asarray((observed.sum(axis=1, keepdims=True) * mixed).sum(axis=0), np.float64))


def _trials(rows: Sequence[ExaminationRow], said: Mapping[str, str]) -> list[Trial]:
    compared: dict[tuple[str, str], dict[str, ExaminationRow]] = {}
    for row in rows:
        if row.candidate is not None:
            compared.setdefault((row.candidate, row.calibration), {})[row.file] = row
    return [_trial(*names, list(of.values()), said) for names, of in sorted(compared.items())]


def _trial(candidate: str, calibration: str, rows: Sequence[ExaminationRow], said: Mapping[str, str]) -> Trial:
    scores = np.array([row.candidate_score for row in rows], np.float64)
    judged = [row for row in rows if row.candidate_verdict is not None]
    labelled = [row for row in rows if row.file in said]

    def ranked(score: Callable[[ExaminationRow], float]) -> float | None:
        real, fake = ([score(row) for row in labelled if said[row.file] == label] for label in ("real", "synthetic"))
        return round(auroc(np.array(real), np.array(fake)), 4) if real and fake else None

    return Trial(
        candidate=candidate,
        calibration=calibration,
        images=len(rows),
        mean_difference=round(float(np.mean(scores - [row.p_synthetic for row in rows])), 4),
        flagged=_share(row.verdict == "likely_synthetic" for row in rows),
        flagged_by_candidate=_share(row.candidate_verdict == "likely_synthetic" for row in judged) if judged else None,
        same_verdict=_share(row.candidate_verdict == row.verdict for row in judged) if judged else None,
        labelled=len(labelled),
        auroc=ranked(lambda row: row.p_synthetic),
        candidate_auroc=ranked(lambda row: row.candidate_score or 0.0),
    )


def _label_counts(labels: Labelled) -> list[LabelCounts]:
    last = {row.file: (given.label, row.verdict) for given, row in labels}
    counted = Counter(last.values())
    return [
        LabelCounts(
            label=label,
            files=sum(number for (of, _), number in counted.items() if of == label),
            likely_synthetic=counted[(label, "likely_synthetic")],
            likely_camera=counted[(label, "likely_camera")],
            inconclusive=counted[(label, "inconclusive")],
        )
        for label in sorted({label for label, _ in counted})
    ]


def _histogram(rows: Iterable[ExaminationRow]) -> NDArray[np.float64]:
    return np.histogram([row.p_synthetic for row in rows], Histograms.BINS, (0, 1))[0].astype(np.float64)


def _share(holds: Iterable[bool]) -> float:
    return round(float(np.mean(list(holds))), 4)


def _week(row: ExaminationRow) -> str:
    year, week, _ = row.day.isocalendar()
    return f"{year}-W{week:02}"
