import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import detectors


def test_what_the_type_checker_sees_is_what_is_loaded() -> None:
    """The stub imports each name from where it is defined, and nothing else can be asked for."""
    tree = ast.parse(Path(str(detectors.__file__)).with_suffix(".pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    seen = [(name.name, import_module(f"detectors.{each.module}")) for each in imports for name in each.names]
    assert all(getattr(detectors, name) is getattr(module, name) for name, module in seen)
    assert sorted(name for name, _ in seen) == dir(detectors)
    with pytest.raises(AttributeError, match="nothing"):
        _ = detectors.nothing  # type: ignore[attr-defined]


def test_metadata_does_not_load_the_models() -> None:
    code = "import sys, detectors.declared.reading; sys.exit('onnxruntime' in sys.modules or 'cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
