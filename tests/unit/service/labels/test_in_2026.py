from dataclasses import replace

from service.labels.in_2026 import PROFILE
from tests.support.laws import FACTS, SIGNED, found, written


def test_everything_in_the_credential() -> None:
    assert found(PROFILE, SIGNED) == {item.id for item in PROFILE.items}


def test_metadata_alone_is_not_permanent() -> None:
    assert found(PROFILE, written(PROFILE.write(FACTS))) == {"unique_id", "computer_resource"}


def test_another_generators_credential_counts() -> None:
    assert found(PROFILE, replace(SIGNED, disclosure={})) == {item.id for item in PROFILE.items}


def test_the_label_covers_a_tenth_of_the_image() -> None:
    assert PROFILE.label.area == 0.1
