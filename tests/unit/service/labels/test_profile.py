from dataclasses import replace

import pytest

from service.labels import PROFILES, Profile
from service.labels.profile import visible_item
from service.media.file_metadata import NAMESPACES
from tests.support.laws import EDITED, FACTS, NOTHING, SIGNED, found

LAWS = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))


def test_the_source_type_tells_an_edit_from_a_new_image() -> None:
    assert FACTS.source_type.endswith("/trainedAlgorithmicMedia")
    assert EDITED.source_type.endswith("/compositeWithTrainedAlgorithmicMedia")


@pytest.mark.parametrize(
    ("types", "claimed"),
    [
        (["trainedAlgorithmicMedia"], "trainedAlgorithmicMedia"),
        (["digitalCapture", "compositeWithTrainedAlgorithmicMedia"], "compositeWithTrainedAlgorithmicMedia"),
        (["digitalCapture"], ""),
        ([], ""),
    ],
)
def test_what_a_credential_says_about_generation(types: list[str], claimed: str) -> None:
    assert replace(SIGNED, source_types=frozenset(types)).claims_generated == claimed


@LAWS
def test_a_law_is_complete(profile: Profile) -> None:
    ids = [item.id for item in profile.items]
    assert len(set(ids)) == len(ids)
    assert "visible_label" in ids
    assert all(item.requirement and item.source and item.proves_not for item in profile.items)
    assert profile.title
    assert profile.in_force
    assert profile.beyond


@LAWS
def test_a_bare_file_has_nothing(profile: Profile) -> None:
    assert found(profile, NOTHING) == set()


@LAWS
@pytest.mark.parametrize("facts", [FACTS, EDITED])
def test_only_fields_that_can_be_written_are_asked_for(profile: Profile, facts: object) -> None:
    metadata = profile.write(facts)  # type: ignore[arg-type]
    assert {name.partition(":")[0] for name in metadata.xmp} <= NAMESPACES.keys()
    assert metadata.comment.isascii()
    assert "".join(metadata.text.values()).isascii()


def test_a_visible_label_is_only_what_the_credential_says() -> None:
    item = visible_item("a label", "§ 1", required=True)
    assert item.visible
    assert item.check(SIGNED) == "drawn"
    assert item.check(NOTHING) == ""
