import ast
from pathlib import Path
from typing import get_args

import pytest

import service.installation  # noqa: F401 - imports every module that declares a task
from detectors import IMAGE_SAFETY, SYNTHETIC_DETECTION, BoxCard, BoxOptions, Member, SafetyCard, SafetyOptions
from models import TASKS, ModelFault, Task, TaskName, all_cards, find_card
from tests.support.classifiers import write_boxes, write_member, write_safety

ROOT = Path(__file__).parents[3]
PACKAGES = ("service", "detectors", "watermark", "models")


def test_every_task_that_a_card_can_name_is_declared_once() -> None:
    assert set(TASKS) == set(get_args(TaskName))
    with pytest.raises(ValueError, match="declared twice"):
        Task("image-safety", "Again.", SafetyCard)


def test_every_shipped_card_is_of_a_declared_task() -> None:
    cards = list(all_cards())
    assert sorted(card.name for task in TASKS.values() for card in task.of(cards)) == sorted(c.name for c in cards)


def test_a_card_is_all_that_a_detector_of_a_known_task_needs(tmp_path: Path) -> None:
    write_member(tmp_path)
    card = find_card("redness", tmp_path)
    assert SYNTHETIC_DETECTION.of([*all_cards(), card])[-1] == card
    assert isinstance(SYNTHETIC_DETECTION.open(card, threads=1), Member)


@pytest.mark.parametrize(
    ("write", "name", "kind"), [(write_safety, "redness", SafetyCard), (write_boxes, "redboxes", BoxCard)]
)
def test_a_safety_cards_options_say_which_form_it_has(write: object, name: str, kind: type, tmp_path: Path) -> None:
    write(tmp_path)  # type: ignore[operator]
    assert isinstance(IMAGE_SAFETY.open(find_card(name, tmp_path)), kind)
    assert IMAGE_SAFETY.options == (SafetyOptions, BoxOptions)


def test_a_card_of_another_task_is_refused() -> None:
    with pytest.raises(ModelFault, match="of task text-to-image, not image-safety"):
        IMAGE_SAFETY.open(find_card("scenes-256"))


def test_nothing_else_decides_by_a_cards_task() -> None:
    """A comparison with `.task` elsewhere would be a second place that knows which factory a task has."""
    found = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            compared = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            compared += [node.subject] if isinstance(node, ast.Match) else []
            if any(isinstance(part, ast.Attribute) and part.attr == "task" for part in compared):
                found.append(path.relative_to(ROOT).as_posix())
    assert set(found) == {"models/tasks.py"}
