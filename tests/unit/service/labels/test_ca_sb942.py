from dataclasses import replace

import pytest

from service.labels.ca_sb942 import PROFILE
from tests.support.laws import FACTS, SIGNED, found, written

LATENT = {"provider", "system", "time", "unique_id"}


def test_everything_in_the_credential() -> None:
    assert found(PROFILE, SIGNED) == {item.id for item in PROFILE.items}


def test_everything_but_the_permanence_in_metadata() -> None:
    assert found(PROFILE, written(PROFILE.write(FACTS))) == LATENT


def test_another_generators_credential_counts() -> None:
    assert found(PROFILE, replace(SIGNED, disclosure={}, labelled="")) == LATENT | {"latent"}


@pytest.mark.parametrize("part", ["system", "system_version"])
def test_a_name_without_a_version_is_not_both(part: str) -> None:
    half = {key: value for key, value in SIGNED.disclosure.items() if key != part}
    assert "system" not in found(PROFILE, replace(SIGNED, disclosure=half, generator=""))
