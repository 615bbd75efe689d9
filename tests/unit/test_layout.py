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

WITHOUT = {
    "service/examiner/benchmark.py": "test_benchmark.py (integration) runs it whole, over labelled folders",
    "service/generation/diffusers/backend.py": "test_pipelines.py and test_image_to_image.py (integration) generate "
    "with a tiny pipeline of each layout",
    "service/generation/embedded/backend.py": "test_embedded.py (integration) compares it with diffusers",
    "service/generation/embedded/networks.py": "test_embedded.py (integration) generates with the four networks",
    "service/ledger/sinks/sink.py": "a protocol and what it raises: test_publisher.py raises each",
    "service/media/isolation/process.py": "test_pool.py and test_sandbox.py start, feed and kill real processes",
    "service/media/isolation/worker.py": "test_pool.py and test_sandbox.py: it is what runs in the processes",
    "service/ledger/similarity_blocks.py": "test_similarity_index.py: the index is made of these blocks alone",
}
"""Modules with logic that are tested otherwise, and how."""


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
    assert not (there and module in WITHOUT), f"{module} has its test now: remove it from WITHOUT"


def test_every_exemption_is_of_a_module_that_exists() -> None:
    assert set(MODULES) >= WITHOUT.keys()


def test_every_unit_test_file_has_tests() -> None:
    for path in (ROOT / "tests" / "unit").rglob("test_*.py"):
        names = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        assert any(name.startswith("test_") for name in names), path
