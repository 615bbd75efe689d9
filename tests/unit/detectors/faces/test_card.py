import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from detectors.faces.card import load_card
from models import Card, ModelFault, find_card
from tests.support.yunets import write_yunet


class Options(BaseModel):
    size: int


def card(folder: Path, files: dict[str, str] | None = None, **options: object) -> Card:
    values = json.loads(write_yunet(folder).read_text())
    values["options"] = options
    values["files"] = values["files"] if files is None else files
    (folder / "redfaces.json").write_text(json.dumps(values))
    return find_card("redfaces", folder)


def test_it_gives_the_file_and_typed_options(tmp_path: Path) -> None:
    file, options = load_card(card(tmp_path, size=512), Options, "a detector")
    assert (file, options.size) == ("redfaces.onnx", 512)


def test_malformed_options_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="options"):
        load_card(card(tmp_path, size="large"), Options, "a detector")


def test_one_onnx_file_is_wanted(tmp_path: Path) -> None:
    both = {"a.onnx": "0" * 64, "b.onnx": "0" * 64}
    with pytest.raises(ModelFault, match="2 ONNX files"):
        load_card(card(tmp_path, both, size=1), Options, "a detector")
