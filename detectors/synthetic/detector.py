"""The detector of synthetic pictures: a head on a general encoder where that is there, else a small network of ours.

Both together are no better than the encoder's head alone (measured: models/weights/synthetic/README.md), so each
works by itself; the network also draws the heatmap.
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
    """What the classifiers say of one picture.

    `p_synthetic` is calibrated on sources held out of training, `interval` its 90 % interval when sources are drawn
    again. `synthetic_above` maps a false-positive rate (`0.05`, `0.01`) to its threshold; below `camera_below` lie
    5 % of synthetic pictures. `out_of_scope`: codes of what makes the figures void for this picture. `complete`: the
    encoder took part. `findings`: ours, which made the probability, then those of `members`, which did not.
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
    """What is left of a picture for judging it: its working copy, warnings, and what each member is shown."""

    working: NDArray[np.uint8]
    out_of_scope: tuple[str, ...]
    for_members: tuple[NDArray[np.float32], ...]


class Synthetic:
    """Scores pictures; thread-safe. On one core about 35 ms a picture alone and 116 ms with the encoder."""

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
        """Load the checked weights; without `encoder` the small network works alone, by its own calibration.

        Raises:
            ModelMissing, DigestMismatch: the weights are not there, or not the right ones.
            ModelFault: ONNX Runtime cannot load them, or the calibration is no calibration.
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
        """Judge an RGB picture (uint8, H x W x 3); `jpeg_quality` (1..100) where it came as JPEG.

        Raises:
            ModelFault: a model failed or gave something that is no score.
        """
        (inference,) = self.judge([self.prepare(rgb, jpeg_quality)])
        return inference

    def prepare(self, rgb: NDArray[np.uint8], jpeg_quality: int | None = None) -> Prepared:
        """All that needs the full picture; what it returns takes a few megabytes at most."""
        working = working_copy(rgb).copy()  # a view of it would keep the whole picture
        codes = tuple(out_of_scope(rgb, working, jpeg_quality))
        return Prepared(working, codes, tuple(member.prepare(rgb) for member in self._members))

    def judge(self, pictures: Sequence[Prepared]) -> list[Inference]:
        """Judge several pictures in one run of each model. Raises ModelFault."""
        name, scores = self._represented(pictures) if self._encoder else self._textured(pictures)
        heard = [m.judge([p.for_members[i] for p in pictures]) for i, m in enumerate(self._members)]
        return [
            self._inference(picture, score, name, [finding[index] for finding in heard])
            for index, (picture, score) in enumerate(zip(pictures, scores, strict=True))
        ]

    def _inference(self, picture: Prepared, score: float, name: str, heard: Sequence[Finding]) -> Inference:
        logit = self._scale.logit(score)
        own = Finding(name, "synthetic", _shown(name, score), self._judge.identity, self._judge.digest)
        return Inference(
            p_synthetic=calibration.probability(logit),
            interval=self._scale.interval(logit),
            findings=(own, *heard),
            out_of_scope=picture.out_of_scope,
            synthetic_above=self.synthetic_above,
            camera_below=self._scale.camera_below,
            complete=self._encoder is not None,
            calibration=f"{self.card.identity}/{self.card.digest[:12]}/{'encoder' if self._encoder else 'alone'}",
        )

    @property
    def _judge(self) -> Card:
        """The card of the model that does the judging."""
        return self._encoder.card if self._encoder else self.card

    def heatmap(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Where the network sees generated texture: the working copy (uint8, h x w x 3), and float32 (h, w) in 0..1.

        Single crops are far less certain than the whole: a map of where to look, not of what was changed.

        Raises:
            ModelFault: as when called.
        """
        working = working_copy(rgb)
        patches, (rows, columns) = grid(working, _STRIDE)
        logits = np.concatenate([self._logits(patches[i : i + _BATCH]) for i in range(0, len(patches), _BATCH)])
        heat = _sigmoid(logits.reshape(rows, columns))
        height, width = working.shape[:2]
        smooth = cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC)
        return working, np.asarray(smooth.clip(0, 1), np.float32)

    def _represented(self, pictures: Sequence[Prepared]) -> tuple[str, list[float]]:
        """The scores by the encoder's features, about -1 (camera) to 1."""
        assert self._encoder is not None
        assert self._head is not None
        features = self._encoder(np.stack([encoder_view(picture.working) for picture in pictures]))
        return _BY_FEATURES, [float(score) for score in self._head.run(features)[:, 0]]

    def _textured(self, pictures: Sequence[Prepared]) -> tuple[str, list[float]]:
        """The scores by the small network: the mean logit of five crops, crops of a size in one run."""
        each = [crops(picture.working) for picture in pictures]
        scores = [0.0] * len(each)
        for side in {patches.shape[1] for patches in each}:
            alike = [index for index, patches in enumerate(each) if patches.shape[1] == side]
            logits = self._logits(np.concatenate([each[index] for index in alike])).reshape(len(alike), -1)
            for index, mean in zip(alike, logits.mean(axis=1), strict=True):
                scores[index] = float(mean)
        return _BY_TEXTURE, scores

    def _logits(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's logit (N,) for each patch (uint8, N x S x S x 3)."""
        out = self._network.run(np.ascontiguousarray(patches.transpose(0, 3, 1, 2), dtype=np.float32))
        return out.reshape(len(patches))


def _shown(name: str, score: float) -> float:
    """A score as a finding shows it, 0..1."""
    return float(_sigmoid(np.float32(score))) if name == _BY_TEXTURE else min(1.0, max(0.0, (score + 1) / 2))


def _sigmoid(logits: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
