"""Unit tests mirror the packages: `package/room/module.py` is tested in `tests/unit/package/room/test_module.py`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("service", "detectors", "watermark", "models")

ELSEWHERE = {
    "service/storage/": "test_repositories.py and test_migrations.py test them together, on both databases",
    "detectors/prompts/training/": "a recipe: run by hand, judged by the figures of its model card",
    "detectors/synthetic/training/": "a recipe: run by hand, judged by the figures of its model card",
    "models/training/": "a recipe: test_recipe.py runs it on a small set; parts have tests where they decide",
}
"""Folders whose modules are tested otherwise, and how."""

WITHOUT = frozenset(
    [
        "detectors/onnx_classifier.py",
        "detectors/prompts/classifier.py",
        "detectors/synthetic/encoder.py",
        "service/adapters/approval.py",
        "service/cli/__init__.py",
        "service/cli/adapters.py",
        "service/cli/consent.py",
        "service/cli/faces.py",
        "service/cli/generate.py",
        "service/cli/review.py",
        "service/cli/prompts.py",
        "service/examiner/assembly.py",
        "service/examiner/benchmark.py",
        "service/examiner/lanes/lane.py",
        "service/examiner/sections.py",
        "service/gateway/stages/types.py",
        "service/generation/backend.py",
        "service/generation/diffusers/adapter_attachments.py",
        "service/generation/diffusers/backend.py",
        "service/generation/diffusers/blending.py",
        "service/generation/diffusers/image_to_image.py",
        "service/generation/diffusers/ip_adapter.py",
        "service/generation/diffusers/layer_snapshot.py",
        "service/generation/diffusers/loading.py",
        "service/generation/diffusers/nvml.py",
        "service/generation/diffusers/supported_pipelines.py",
        "service/installation.py",
        "service/ledger/similarity_blocks.py",
        "service/likeness/grants.py",
        "service/likeness/schemas.py",
        "service/likeness/subjects.py",
        "service/likeness/transfer.py",
        "service/moderation/appeals.py",
        "watermark/c2pa/manifest.py",
        "watermark/tile/embedding.py",
        "watermark/tile/reader.py",
        "watermark/tile/spectrum.py",
        "watermark/tile/trials.py",
    ]
)
"""Modules with logic that other tests reach and none mirrors yet. Write theirs and take them off: this only shrinks."""


def has_logic(path: Path) -> bool:
    """There is a function in it with more than a docstring or `...`."""
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return any(not all(isinstance(line, ast.Expr) for line in function.body) for function in functions)


def mirror(module: str) -> Path:
    path = Path(module)
    name = path.parent.name if path.stem == "__init__" else path.stem.strip("_")
    return ROOT / "tests" / "unit" / path.parent / f"test_{name}.py"


MODULES = sorted(
    module
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if not (module := path.relative_to(ROOT).as_posix()).startswith(tuple(ELSEWHERE)) and has_logic(path)
)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_with_logic_has_its_test(module: str) -> None:
    there = mirror(module).exists()
    assert there or module in WITHOUT, f"write {mirror(module).relative_to(ROOT)}"
    assert not (there and module in WITHOUT), f"{module} has its test now: take it off the list"


def test_the_list_names_modules_that_are_there() -> None:
    assert set(MODULES) >= WITHOUT


def test_every_unit_test_file_has_tests() -> None:
    for path in (ROOT / "tests" / "unit").rglob("test_*.py"):
        names = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert any(name.startswith("test_") for name in names), path
