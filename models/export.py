"""Export a classifier in hub format as one ONNX file and a card for `detectors`."""

import hashlib
import json
import re
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from models.cards import Beside, Card
from models.errors import ModelError
from models.sessions import Session

_SYNTHETIC = re.compile(r"\b(ai|artificial|deepfake|fake|generated|synthetic)\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(not|no|non|un)(?![^\W_])", re.IGNORECASE)
_MAX_DIFFERENCE = 1e-3
OPSET = 17


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model folder in hub format: config.json, preprocessor_config.json, and safetensors or an ONNX file.

    `origin`: where it came from, for the card. `licence`: what its README.md declares, or "not stated".
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
        """Load one of its JSON files. Raises ModelError if it is missing or malformed."""
        try:
            found = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError) as bad:
            raise ModelError(f"{self.folder / name} cannot be read: {bad}") from bad
        return cast(dict[str, Any], found)


def export(source: ModelFolder, name: str, target: Path, *, onnx_file: str | None, synthetic: str | None) -> Card:
    """Write NAME.onnx and NAME.json into `target`, and return the card. On failure nothing is left there.

    Only safetensors are loaded, and no code of the repository is run. The exported model must reproduce the original
    to 1e-3 of a logit.

    Args:
        source: the model's folder.
        name: the new card's name.
        target: a folder of cards.
        onnx_file: path of an ONNX file in the folder, used unchanged instead of an export.
        synthetic: the label that means synthetic; None: the one label that reads so.

    Raises:
        ModelError: the folder is not an image classifier, its labels do not say which one means synthetic, or the
            export does not reproduce the original.
    """
    paths = target / f"{name}.onnx", target / f"{name}.json"
    if existing := [path.name for path in paths if path.exists()]:
        raise ModelError(f"{existing[0]} already exists in {target}: choose another name, or remove it")
    try:
        options, outputs = _options(source, synthetic)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as odd:
        raise ModelError(f"the configuration in {source.folder} cannot be read: {odd!r}") from odd
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        weights, card_file = (Path(scratch) / path.name for path in paths)
        if onnx_file:
            weights.write_bytes(_read(source.folder / onnx_file))
        else:
            _convert(source.folder, weights, options["size"])
        card = _card(name, source, weights, options)
        card_file.write_text(card.model_dump_json(indent=2, exclude_defaults=True) + "\n")
        _verify(
            card.beside(weights.parent), weights.name, options["size"], outputs, None if onnx_file else source.folder
        )
        weights.replace(paths[0])
        card_file.replace(paths[1])  # last: the model exists once it has a card
    return card


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as gone:
        raise ModelError(f"{path} cannot be read: {gone.strerror}") from gone


def _card(name: str, source: ModelFolder, weights: Path, options: Mapping[str, Any]) -> Card:
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


def _options(source: ModelFolder, synthetic: str | None) -> tuple[dict[str, Any], int]:
    """The card's options, by what the repository says of its labels and its preprocessing; and how many outputs."""
    config = source.config("config.json")
    timm = config.get("pretrained_cfg")
    labels = _labels(config)
    options = _timm(timm) if timm else _preprocessing(source.config("preprocessor_config.json"))
    if len(labels) == 1:
        return {**options, "activation": "sigmoid", "synthetic": 0, "inverted": _inverted(labels[0], synthetic)}, 1
    return {**options, "activation": "softmax", "synthetic": _synthetic(labels, synthetic)}, len(labels)


def _labels(config: Mapping[str, Any]) -> dict[int, str]:
    """The label of every output; without names those of transformers: LABEL_0, LABEL_1."""
    if named := config.get("id2label"):
        return {int(index): str(label) for index, label in named.items()}
    names = config.get("label_names") or [f"LABEL_{index}" for index in range(config.get("num_classes", 2))]
    return dict(enumerate(map(str, names)))


def _synthetic(labels: Mapping[int, str], wanted: str | None) -> int:
    named = [i for i, label in labels.items() if (label == wanted if wanted else _reads_synthetic(label))]
    if len(named) != 1 or (wanted is None and any(map(_NEGATED.search, labels.values()))):
        raise _ambiguous(labels.values())
    return named[0]


def _inverted(label: str, wanted: str | None) -> bool:
    """Whether the single output means real."""
    if wanted is None and (_NEGATED.search(label) or not (_reads_synthetic(label) or label == "LABEL_0")):
        raise _ambiguous([label, f"not {label}"])
    if wanted is not None and wanted not in (label, f"not {label}"):
        raise _ambiguous([label, f"not {label}"])
    return wanted is not None and wanted != label


def _reads_synthetic(label: str) -> bool:
    return _SYNTHETIC.search(label.replace("_", " ")) is not None


def _ambiguous(labels: Iterable[str]) -> ModelError:
    known = ", ".join(sorted(labels))
    return ModelError(f"it is unclear which label means synthetic; choose one with --synthetic: {known}")


def _preprocessing(config: Mapping[str, Any]) -> dict[str, Any]:
    """Size, mean and deviation from an image processor's configuration (transformers)."""
    resize, crop = _side(config.get("size")), _side(config.get("crop_size"))
    size = crop if config.get("do_center_crop") and crop else resize
    if not size:
        raise ModelError("preprocessor_config.json has no input size")
    unnormalised = not config.get("do_normalize", True)
    return {
        "size": size,
        "resize": max(resize or size, size),
        "mean": (0.0, 0.0, 0.0) if unnormalised else tuple(config.get("image_mean", (0.5, 0.5, 0.5))),
        "deviation": (1.0, 1.0, 1.0) if unnormalised else tuple(config.get("image_std", (0.5, 0.5, 0.5))),
    }


def _timm(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same from the pretrained_cfg of a timm model."""
    size = int(config["input_size"][-1])
    mean, deviation = tuple(config["mean"]), tuple(config["std"])
    return {"size": size, "resize": round(size / config.get("crop_pct", 1)), "mean": mean, "deviation": deviation}


def _side(size: Any) -> int | None:
    """The side in pixels, from `224`, `{"height": 224, "width": 224}` or `{"shortest_edge": 256}`."""
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge")
    return int(size) if size else None


def _convert(folder: Path, target: Path, size: int) -> None:
    import torch  # noqa: PLC0415 - an extra

    model = _load(folder)
    example = torch.zeros(2, 3, size, size)
    try:
        with warnings.catch_warnings(action="ignore"):  # the exporter's own; `_verify` checks its result
            torch.onnx.export(
                model,
                (example,),
                target,
                input_names=["pixels"],
                output_names=["logits"],
                dynamic_axes={"pixels": {0: "n"}},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as fault:  # many types: a model may use what ONNX cannot express
        raise ModelError(f"the model cannot be exported: {fault}") from fault


def _load(folder: Path) -> Any:
    """The model with logits as its only output. Loads only safetensors, and none of the repository's code."""
    try:
        import torch  # noqa: PLC0415 - an extra
        from transformers import AutoModelForImageClassification  # noqa: PLC0415

        class Logits(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = AutoModelForImageClassification.from_pretrained(
                    folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
                )

            def forward(self, pixels: torch.Tensor) -> torch.Tensor:
                result: torch.Tensor = self.inner(pixels).logits
                return result

        return Logits().eval()
    except ImportError as missing:
        raise ModelError(f"exporting needs {missing.name}: pip install 'countermark[generate]' (and timm)") from missing
    except Exception as fault:  # transformers raises many types
        raise ModelError(f"{folder} cannot be loaded as an image classifier: {fault}") from fault


def _verify(card: Card, file: str, size: int, outputs: int, original: Path | None) -> None:
    """Raise ModelError unless the ONNX file runs, has `outputs` outputs, and reproduces the original on noise."""
    noise = np.random.default_rng(0).normal(size=(2, 3, size, size)).astype(np.float32)
    session = Session(card, file)
    found = np.concatenate([session.run(one[None]) for one in noise]).reshape(len(noise), -1)
    if found.shape[1] != outputs:
        raise ModelError(f"the ONNX file has {found.shape[1]} outputs, but the configuration has {outputs} labels")
    if original is None:
        return
    import torch  # noqa: PLC0415

    with torch.no_grad():
        expected: NDArray[np.float32] = _load(original)(torch.from_numpy(noise)).numpy()
    difference = float(np.abs(found - expected).max())
    if not difference < _MAX_DIFFERENCE:
        raise ModelError(f"the exported model differs from the original by {difference:.3g} of a logit")
