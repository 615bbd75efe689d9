import ast
import subprocess
import sys
from pathlib import Path

import pytest

import detectors
from detectors.declared import reading


def test_names_are_loaded_when_asked_for() -> None:
    assert all(getattr(detectors, name) for name in detectors.__all__)
    assert detectors.read_metadata is reading.read
    with pytest.raises(AttributeError, match="no attribute nothing"):
        _ = detectors.nothing


def test_what_the_type_checker_sees_is_what_is_loaded() -> None:
    tree = ast.parse(Path(str(detectors.__file__)).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {
        (each.module, name.name) for each in imports for name in each.names if str(each.module).startswith("detectors")
    }
    assert seen == {(module, name) for name, module in detectors._WHERE.items()}


def test_metadata_does_not_load_the_models() -> None:
    code = "import sys, detectors.declared.reading; sys.exit('onnxruntime' in sys.modules or 'cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
