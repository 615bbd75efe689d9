"""The synthetic-image detector: a linear head on a general encoder if installed, otherwise one on a small network.

Each head gives a score and the image's kind, whose own thresholds apply. Combining both models gains too little for its
time (measured: models/weights/synthetic/README.md), so only one of them is used, for scores and heatmaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.findings import Finding
from detectors.synthetic import calibration
from detectors.synthetic.encoder import Encoder
from detectors.synthetic.kinds import GRAPHIC
from detectors.synthetic.localisation import by_crops, by_tokens
from detectors.synthetic.member import Member
from detectors.synthetic.network import Network
from detectors.synthetic.scope import out_of_scope
from detectors.synthetic.views import encoder_view, working_copy
from models import CPU, Card, ModelFault, Session, find_card

_BY_FEATURES, _BY_TEXTURE = "representation", "texture"


@dataclass(frozen=True, slots=True)
class KindRates:
    """What held-out images taken for this image's kind did: `real` and `synthetic` of them, and, for each
    false-positive rate that can be held, the share of both that was called synthetic."""

    kind: str
    real: int
    synthetic: int
    false_positives: dict[str, float]
    recall: dict[str, float]


@dataclass(frozen=True, slots=True)
class Inference:
    """The result for one image.

    `p_synthetic` is calibrated on sources held out of training; `interval` is its 90 % bootstrap interval over
    sources. `synthetic_above` maps a false-positive rate (`0.05`, `0.01`) to its threshold for images of this kind; a
    rate is absent if it cannot be held for the kind. Few synthetic images are below `camera_below` (0: this kind is
    never called real). `out_of_scope`: codes of reasons why these figures do not apply to this image.
    `complete`: the encoder was used. `findings`: our own, from which the probability comes, then those of `members`,
    which do not affect it. `rates`: the image's kind and what was measured for it.
    """

    p_synthetic: float
    interval: tuple[float, float]
    findings: tuple[Finding, ...]
    out_of_scope: tuple[str, ...]
    synthetic_above: dict[str, float]
    camera_below: float
    calibration: str
    complete: bool
    rates: KindRates | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A preprocessed image: its working copy, out-of-scope codes, and the input of each member."""

    working: NDArray[np.uint8]
    out_of_scope: tuple[str, ...]
    for_members: tuple[NDArray[np.float32], ...]


class Synthetic:
    """Scores images. Thread-safe; per image on one core about 35 ms without and 125 ms with the encoder."""

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
        """Load the verified weights. Without `encoder` the small network is used, with its own head and calibration.

        Raises:
            ModelMissing, DigestMismatch: the weights are missing or differ from the card.
            ModelFault: ONNX Runtime cannot load them, or the calibration is malformed.
        """
        self.card = card or find_card("synthetic")
        self._model = encoder or Network(self.card, threads=threads, providers=providers)
        self._members = tuple(members)
        self._head = Session(self.card, "head.onnx" if encoder else "network-head.onnx", threads=1, providers=CPU)
        try:
            scales = calibration.read(self.card.read("calibration.json"))
        except ValueError as bad:
            raise ModelFault(f"{self.card.identity}: calibration.json is malformed: {bad}") from bad
        self._scale = scales.with_encoder if encoder else scales.alone
        self._kinds = tuple(self._scale.kinds)
        self.synthetic_above = dict(self._scale.synthetic_above)
        """For each false-positive rate, its threshold over images of all kinds."""

    @property
    def encoder(self) -> Encoder | None:
        """The encoder whose features are judged; None: the network's are."""
        return self._model if isinstance(self._model, Encoder) else None

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
        outputs = self._head.run(self._features(pictures))
        if outputs.shape[1] != 1 + len(self._kinds):
            raise ModelFault(f"{self.card.identity}: the head has {outputs.shape[1]} outputs for {self._kinds}")
        members = [m.judge([p.for_members[i] for p in pictures]) for i, m in enumerate(self._members)]
        return [
            self._inference(picture, float(row[0]), self._kinds[int(row[1:].argmax())], [of[index] for of in members])
            for index, (picture, row) in enumerate(zip(pictures, outputs, strict=True))
        ]

    def _features(self, pictures: Sequence[Prepared]) -> NDArray[np.float32]:
        """The encoder's features of each image if there is an encoder, else the network's."""
        if isinstance(self._model, Encoder):
            return self._model(np.stack([encoder_view(picture.working) for picture in pictures]))
        return self._model.features([picture.working for picture in pictures])

    def _inference(self, picture: Prepared, score: float, kind: str, members: Sequence[Finding]) -> Inference:
        logit, of_kind = self._scale.logit(score), self._scale.kinds[kind]
        name = _BY_FEATURES if self.encoder else _BY_TEXTURE
        own = Finding(name, "synthetic", _unit_score(score), self._scorer.identity, self._scorer.digest)
        return Inference(
            p_synthetic=calibration.probability(logit),
            interval=self._scale.interval(logit),
            findings=(own, *members),
            out_of_scope=tuple(code for code in picture.out_of_scope if not self._measured(code, kind)),
            synthetic_above=dict(of_kind.synthetic_above),
            camera_below=of_kind.camera_below or 0.0,
            complete=self.encoder is not None,
            calibration=calibration.identity(self.card, with_encoder=self.encoder is not None),
            rates=KindRates(kind, of_kind.real, of_kind.synthetic, of_kind.false_positives, of_kind.recall),
        )

    def _measured(self, code: str, kind: str) -> bool:
        """Flat colour is usual in graphics, and the encoder's head was measured on them."""
        return code == "flat_graphic" and self.encoder is not None and kind in GRAPHIC

    @property
    def _scorer(self) -> Card:
        """The card of the model that computes the score."""
        return self.encoder.card if self.encoder else self.card

    def heatmap(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Where the model in use sees generated texture: the working copy (uint8, h x w x 3), and (h, w) in 0..1.

        Parts are far less certain than the entire image: the map shows where to look, not what was changed.

        Raises:
            ModelFault: as `__call__`.
        """
        working = working_copy(rgb)
        if isinstance(self._model, Encoder):
            return working, by_tokens(working, self._model, self._head)
        return working, by_crops(working, self._model, self._head)


def _unit_score(score: float) -> float:
    """A score of about -1 (real) to 1 (synthetic) in 0..1."""
    return float(min(1.0, max(0.0, (score + 1) / 2)))
