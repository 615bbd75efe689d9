"""The synthetic-image detector: a linear head on a general encoder if installed, otherwise a small network.

Combining them is no better than the head alone (measured: models/weights/synthetic/README.md), so only one of them is
used; the network also produces the heatmap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.findings import Finding
from detectors.synthetic import calibration
from detectors.synthetic.encoder import Encoder
from detectors.synthetic.member import Member
from detectors.synthetic.scope import out_of_scope
from detectors.synthetic.views import crops, encoder_view, grid, working_copy
from models import CPU, Card, ModelFault, Session, find_card

_STRIDE = 96
_BATCH = 16
_BY_FEATURES, _BY_TEXTURE = "representation", "texture"


@dataclass(frozen=True, slots=True)
class Inference:
    """The result for one image.

    `p_synthetic` is calibrated on sources held out of training; `interval` is its 90 % bootstrap interval over
    sources. `synthetic_above` maps a false-positive rate (`0.05`, `0.01`) to its threshold; 5 % of synthetic images
    are below `camera_below`. `out_of_scope`: codes of reasons why these figures do not apply to this image.
    `complete`: the encoder was used. `findings`: our own, from which the probability comes, then those of `members`,
    which do not affect it.
    """

    p_synthetic: float
    interval: tuple[float, float]
    findings: tuple[Finding, ...]
    out_of_scope: tuple[str, ...]
    synthetic_above: dict[str, float]
    camera_below: float
    calibration: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A preprocessed image: its working copy, out-of-scope codes, and the input of each member."""

    working: NDArray[np.uint8]
    out_of_scope: tuple[str, ...]
    for_members: tuple[NDArray[np.float32], ...]


class Synthetic:
    """Scores images. Thread-safe; per image on one core about 35 ms without and 116 ms with the encoder."""

    name = "synthetic"

    def __init__(
        self,
        encoder: Encoder | None = None,
        card: Card | None = None,
        members: Sequence[Member] = (),
        *,
        threads: int = 1,
        providers: Sequence[str] = CPU,
    ) -> None:
        """Load the verified weights. Without `encoder` the small network is used, with its own calibration.

        Raises:
            ModelMissing, DigestMismatch: the weights are missing or differ from the card.
            ModelFault: ONNX Runtime cannot load them, or the calibration is malformed.
        """
        self.card = card or find_card("synthetic")
        self._encoder = encoder
        self._members = tuple(members)
        self._network = Session(self.card, "network.onnx", threads=threads, providers=providers)
        self._head = Session(self.card, "head.onnx", threads=1, providers=CPU) if encoder else None
        try:
            scales = calibration.read(self.card.read("calibration.json"))
        except ValueError as bad:
            raise ModelFault(f"{self.card.identity}: calibration.json is malformed: {bad}") from bad
        self._scale = scales.with_encoder if encoder else scales.alone
        self.synthetic_above = dict(self._scale.synthetic_above)

    def __call__(self, rgb: NDArray[np.uint8], jpeg_quality: int | None = None) -> Inference:
        """Score an RGB image (uint8, H x W x 3); `jpeg_quality` (1..100) if it was a JPEG.

        Raises:
            ModelFault: a model failed or returned an invalid score.
        """
        (inference,) = self.judge([self.prepare(rgb, jpeg_quality)])
        return inference

    def prepare(self, rgb: NDArray[np.uint8], jpeg_quality: int | None = None) -> Prepared:
        """Do everything that needs the full image; the result takes a few megabytes at most."""
        working = working_copy(rgb).copy()  # a view would keep the full image in memory
        codes = tuple(out_of_scope(rgb, working, jpeg_quality))
        return Prepared(working, codes, tuple(member.prepare(rgb) for member in self._members))

    def judge(self, pictures: Sequence[Prepared]) -> list[Inference]:
        """Score several images in one run of each model. Raises ModelFault."""
        name, scores = self._encoder_scores(pictures) if self._encoder else self._network_scores(pictures)
        members = [m.judge([p.for_members[i] for p in pictures]) for i, m in enumerate(self._members)]
        return [
            self._inference(picture, score, name, [findings[index] for findings in members])
            for index, (picture, score) in enumerate(zip(pictures, scores, strict=True))
        ]

    def _inference(self, picture: Prepared, score: float, name: str, members: Sequence[Finding]) -> Inference:
        logit = self._scale.logit(score)
        own = Finding(name, "synthetic", _unit_score(name, score), self._scorer.identity, self._scorer.digest)
        return Inference(
            p_synthetic=calibration.probability(logit),
            interval=self._scale.interval(logit),
            findings=(own, *members),
            out_of_scope=picture.out_of_scope,
            synthetic_above=self.synthetic_above,
            camera_below=self._scale.camera_below,
            complete=self._encoder is not None,
            calibration=f"{self.card.identity}/{self.card.digest[:12]}/{'encoder' if self._encoder else 'alone'}",
        )

    @property
    def _scorer(self) -> Card:
        """The card of the model that computes the score."""
        return self._encoder.card if self._encoder else self.card

    def heatmap(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Where the network sees generated texture: the working copy (uint8, h x w x 3), and float32 (h, w) in 0..1.

        Single crops are far less certain than the entire image: the map shows where to look, not what was changed.

        Raises:
            ModelFault: as `__call__`.
        """
        working = working_copy(rgb)
        patches, (rows, columns) = grid(working, _STRIDE)
        logits = np.concatenate([self._logits(patches[i : i + _BATCH]) for i in range(0, len(patches), _BATCH)])
        heat = _sigmoid(logits.reshape(rows, columns))
        height, width = working.shape[:2]
        smooth = cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC)
        return working, np.asarray(smooth.clip(0, 1), np.float32)

    def _encoder_scores(self, pictures: Sequence[Prepared]) -> tuple[str, list[float]]:
        """The scores from the encoder's features, about -1 (camera) to 1 (synthetic)."""
        assert self._encoder is not None
        assert self._head is not None
        features = self._encoder(np.stack([encoder_view(picture.working) for picture in pictures]))
        return _BY_FEATURES, [float(score) for score in self._head.run(features)[:, 0]]

    def _network_scores(self, pictures: Sequence[Prepared]) -> tuple[str, list[float]]:
        """The scores by the small network: the mean logit of five crops. Crops of equal size share a run."""
        each = [crops(picture.working) for picture in pictures]
        scores = [0.0] * len(each)
        for side in {patches.shape[1] for patches in each}:
            same_size = [index for index, patches in enumerate(each) if patches.shape[1] == side]
            logits = self._logits(np.concatenate([each[index] for index in same_size])).reshape(len(same_size), -1)
            for index, mean in zip(same_size, logits.mean(axis=1), strict=True):
                scores[index] = float(mean)
        return _BY_TEXTURE, scores

    def _logits(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's logit (N,) for each patch (uint8, N x S x S x 3)."""
        out = self._network.run(np.ascontiguousarray(patches.transpose(0, 3, 1, 2), dtype=np.float32))
        return out.reshape(len(patches))


def _unit_score(name: str, score: float) -> float:
    """A score mapped to 0..1, as a Finding needs it."""
    return float(_sigmoid(np.float32(score))) if name == _BY_TEXTURE else min(1.0, max(0.0, (score + 1) / 2))


def _sigmoid(logits: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
