from pathlib import Path

from detectors.safety.box_card import BoxCard
from detectors.safety.classifier_card import SafetyCard
from detectors.safety.task import IMAGE_SAFETY, open_checker
from models import find_card
from tests.support.classifiers import write_boxes, write_safety


def test_a_card_says_which_of_the_two_it_is(tmp_path: Path) -> None:
    write_safety(tmp_path)
    write_boxes(tmp_path)
    assert type(open_checker(find_card("redness", tmp_path))) is SafetyCard
    assert type(open_checker(find_card("redboxes", tmp_path))) is BoxCard


def test_its_cards_name_the_task(tmp_path: Path) -> None:
    write_safety(tmp_path)
    assert find_card("redness", tmp_path).task == IMAGE_SAFETY.name
