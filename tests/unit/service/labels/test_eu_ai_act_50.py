from dataclasses import replace

from service.labels.eu_ai_act_50 import PROFILE
from tests.support.laws import FACTS, SIGNED, found, written


def test_everything() -> None:
    both = replace(SIGNED, metadata=written(PROFILE.write(FACTS)).metadata)
    assert found(PROFILE, both) == {item.id for item in PROFILE.items}


def test_unsigned_metadata_is_not_the_signed_statement() -> None:
    assert found(PROFILE, written(PROFILE.write(FACTS))) == {"source_type"}


def test_a_credential_about_a_photograph_is_not_the_statement() -> None:
    camera = replace(SIGNED, source_types=frozenset({"digitalCapture"}))
    assert "signed_metadata" not in found(PROFILE, camera)


def test_the_signers_own_word_is_no_time_stamp() -> None:
    assert "timestamp" not in found(PROFILE, replace(SIGNED, timestamped=False))
