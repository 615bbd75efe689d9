"""A classifier of a hub's format made into one ONNX file and a card that `detectors` can ask."""

import hashlib
import json
import re
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from models.cards import Beside, Card
from models.errors import ModelError
from models.sessions import Session

_SYNTHETIC = re.compile(r"\b(ai|artificial|deepfake|fake|generated|synthetic)\b", re.IGNORECASE)
_WORST_DIFFERENCE = 1e-3
OPSET = 17


@dataclass(frozen=True, slots=True)
class Source:
    """A folder as hubs keep them: config.json, preprocessor_config.json, and safetensors or an ONNX file.

    `origin` is where it came from, as it stands in the card; `licence` what its README.md declares, or "not stated".
    """

    folder: Path
    origin: str

    @property
    def licence(self) -> str:
        readme = self.folder / "README.md"
        text = readme.read_text(errors="replace") if readme.exists() else ""
        header = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
        stated = re.search(r"^license:\s*(\S.*)$", header.group(1), re.MULTILINE) if header else None
        return stated.group(1).strip() if stated else "not stated"

    def config(self, name: str) -> dict[str, Any]:
        """One of its JSON files. Raises ModelError where it is missing or malformed."""
        try:
            found = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError) as bad:
            raise ModelError(f"{self.folder / name} cannot be used: {bad}") from bad
        return cast(dict[str, Any], found)


def export(source: Source, name: str, target: Path, *, onnx_file: str | None, synthetic: str | None) -> Card:
    """Write NAME.onnx and NAME.json into `target`, and return the card; nothing is left there when it fails.

    Safetensors alone are loaded and no code of the repository is run. What was exported has to give what the
    original gives, to 1e-3 of a logit.

    Args:
        source: the model's folder.
        name: the new card's name.
        target: a folder of cards.
        onnx_file: path of an ONNX file in the folder, taken as it is instead of an export.
        synthetic: the label that means synthetic; unset: the one label that reads so.

    Raises:
        ModelError: the folder is no image classifier, its labels do not tell which means synthetic, or the export
            does not give what the original gives.
    """
    options = _options(source, synthetic)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        weights = Path(scratch) / f"{name}.onnx"
        if onnx_file:
            weights.write_bytes(_read(source.folder / onnx_file))
        else:
            _convert(source.folder, weights, options["size"])
        card = _card(name, source, weights, options)
        if not onnx_file:
            _compare(source.folder, card.beside(weights.parent), weights.name, options["size"])
        weights.replace(target / weights.name)
    (target / f"{name}.json").write_text(card.model_dump_json(indent=2, exclude_defaults=True) + "\n")
    return card


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as gone:
        raise ModelError(f"{path} cannot be read: {gone.strerror}") from gone


def _card(name: str, source: Source, weights: Path, options: Mapping[str, Any]) -> Card:
    return Card(
        name=name,
        version="1",
        task="synthetic-detection",
        licence=source.licence,
        summary=f"Image classifier, from {source.origin}.",
        source=Beside(kind="beside"),
        files={weights.name: hashlib.sha256(weights.read_bytes()).hexdigest()},
        options=dict(options),
    )


def _options(source: Source, synthetic: str | None) -> dict[str, Any]:
    """The card's options, by what the repository says of its labels and its preprocessing."""
    config = source.config("config.json")
    timm = config.get("pretrained_cfg")
    labels = _labels(config)
    options = _timm(timm) if timm else _preprocessing(source.config("preprocessor_config.json"))
    if len(labels) == 1:
        return {**options, "activation": "sigmoid", "synthetic": 0}
    return {**options, "activation": "softmax", "synthetic": _synthetic(labels, synthetic)}


def _labels(config: Mapping[str, Any]) -> dict[int, str]:
    """Every output's label; without names those that transformers gives: LABEL_0, LABEL_1."""
    if named := config.get("id2label"):
        return {int(index): str(label) for index, label in named.items()}
    names = config.get("label_names") or [f"LABEL_{index}" for index in range(config.get("num_classes", 2))]
    return dict(enumerate(map(str, names)))


def _synthetic(labels: Mapping[int, str], wanted: str | None) -> int:
    named = [i for i, label in labels.items() if (label == wanted if wanted else _SYNTHETIC.search(label))]
    if len(named) != 1:
        known = ", ".join(sorted(labels.values()))
        raise ModelError(f"which label means synthetic? Name one with --synthetic; the model has: {known}")
    return named[0]


def _preprocessing(config: Mapping[str, Any]) -> dict[str, Any]:
    """Size, mean and deviation of an image processor's configuration (transformers)."""
    resize, crop = _side(config.get("size")), _side(config.get("crop_size"))
    size = crop if config.get("do_center_crop") and crop else resize
    if not size:
        raise ModelError("preprocessor_config.json states no size of the model's input")
    plain = not config.get("do_normalize", True)
    return {
        "size": size,
        "resize": max(resize or size, size),
        "mean": (0.0, 0.0, 0.0) if plain else tuple(config.get("image_mean", (0.5, 0.5, 0.5))),
        "deviation": (1.0, 1.0, 1.0) if plain else tuple(config.get("image_std", (0.5, 0.5, 0.5))),
    }


def _timm(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a timm model's pretrained_cfg."""
    size = int(config["input_size"][-1])
    mean, deviation = tuple(config["mean"]), tuple(config["std"])
    return {"size": size, "resize": round(size / config.get("crop_pct", 1)), "mean": mean, "deviation": deviation}


def _side(size: Any) -> int | None:
    """Pixels of `224`, `{"height": 224, "width": 224}` or `{"shortest_edge": 256}`."""
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge")
    return int(size) if size else None


def _convert(folder: Path, target: Path, size: int) -> None:
    import torch  # noqa: PLC0415 - an extra

    model = _load(folder)
    example = torch.zeros(2, 3, size, size)
    names = {"input_names": ["pixels"], "output_names": ["logits"]}
    free = {"pixels": {0: "n"}}
    with warnings.catch_warnings(action="ignore"):  # of the exporter about itself; `_compare` judges its work
        torch.onnx.export(model, (example,), target, **names, dynamic_axes=free, opset_version=OPSET, dynamo=False)


def _load(folder: Path) -> Any:
    """The model with logits as its one output. Only safetensors, and none of the repository's code."""
    try:
        import torch  # noqa: PLC0415 - an extra
        from transformers import AutoModelForImageClassification  # noqa: PLC0415

        class Logits(torch.nn.Module):  # type: ignore[misc] # torch is not followed: it is an extra
            def __init__(self) -> None:
                super().__init__()
                self.inner = AutoModelForImageClassification.from_pretrained(
                    folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
                )

            def forward(self, pixels: torch.Tensor) -> torch.Tensor:
                return self.inner(pixels).logits

        return Logits().eval()
    except ImportError as missing:
        raise ModelError(f"exporting needs {missing.name}: pip install 'countermark[generate]' (and timm)") from missing
    except Exception as fault:  # transformers' own errors share no class
        raise ModelError(f"{folder} is no image classifier that can be loaded: {fault}") from fault


def _compare(folder: Path, card: Card, file: str, size: int) -> None:
    """Raises ModelError unless the ONNX file gives the original's logits on noise."""
    import torch  # noqa: PLC0415

    noise = np.random.default_rng(0).normal(size=(3, 3, size, size)).astype(np.float32)
    with torch.no_grad():
        expected: NDArray[np.float32] = _load(folder)(torch.from_numpy(noise)).numpy()
    difference = float(np.abs(Session(card, file).run(noise) - expected).max())
    if not difference < _WORST_DIFFERENCE:
        raise ModelError(f"the exported model differs from the original by {difference:.3g} of a logit")
