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
        working = working_copy(rgb)
        score, finding = self._represented(working) or self._textured(working)
        logit = self._scale.logit(score)
        return Inference(
            p_synthetic=calibration.probability(logit),
            interval=self._scale.interval(logit),
            findings=(finding, *(member(rgb) for member in self._members)),
            out_of_scope=tuple(out_of_scope(rgb, working, jpeg_quality)),
            synthetic_above=self.synthetic_above,
            camera_below=self._scale.camera_below,
            complete=self._encoder is not None,
            calibration=f"{self.card.identity}/{self.card.digest[:12]}/{'encoder' if self._encoder else 'alone'}",
        )

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

    def _represented(self, working: NDArray[np.uint8]) -> tuple[float, Finding] | None:
        """The score by the encoder's features; None without the encoder."""
        if self._encoder is None or self._head is None:
            return None
        score = float(self._head.run(self._encoder(encoder_view(working)[None]))[0, 0])
        return score, _finding("representation", (score + 1) / 2, self._encoder.card)

    def _textured(self, working: NDArray[np.uint8]) -> tuple[float, Finding]:
        """The score by the small network, the mean logit of five crops."""
        logit = float(self._logits(crops(working)).mean())
        return logit, _finding("texture", float(_sigmoid(np.float32(logit))), self.card)

    def _logits(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's logit (N,) for each patch (uint8, N x S x S x 3)."""
        out = self._network.run(np.ascontiguousarray(patches.transpose(0, 3, 1, 2), dtype=np.float32))
        return out.reshape(len(patches))


def _finding(detector: str, score: float, card: Card) -> Finding:
    return Finding(detector, "synthetic", min(1.0, max(0.0, score)), card.identity, card.digest)


def _sigmoid(logits: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
