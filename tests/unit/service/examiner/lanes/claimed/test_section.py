from dataclasses import replace

from service.examiner.lanes.claimed.section import Recovered, section_of
from tests.support.credentials import read
from tests.support.issued import issue
from watermark.c2pa.credentials import Action, Ingredient
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE
from watermark.c2pa.origin import Kind
from watermark.c2pa.status import Integrity

AI = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "trainedAlgorithmicMedia"),)


def test_the_section_on_a_credential() -> None:
    failed = Ingredient("a.png", "parentOf", ("claimSignature.mismatch",))
    section = section_of(read("trusted", actions=AI, ingredients=(failed, Ingredient("b.png", "componentOf"))))
    assert (section.state, section.integrity) == ("trusted", Integrity.INTACT)
    assert section.origin is not None
    assert (section.origin.kind, section.origin.through_ingredient) == (Kind.SYNTHETIC, False)
    assert [each.action for each in section.actions] == ["c2pa.created"]
    assert [each.integrity for each in section.ingredients] == [Integrity.ALTERED, Integrity.ABSENT]


def test_time_is_said_with_what_vouches_for_it() -> None:
    credential = replace(read("trusted"), signed_at=None, claimed_at=None)
    assert section_of(credential).time == "none"
    assert section_of(replace(credential, claimed_at="2026-01-01T00:00:00Z")).time == "signers_word"
    assert section_of(replace(credential, signed_at="2026-01-01T00:00:00Z")).time == "trusted_timestamp"


def test_a_recovered_credential_is_absent_from_the_file() -> None:
    """Its manifest cannot be read: the ledger was altered."""
    recovered = Recovered.of(issue(1), "watermark", True)
    assert recovered.manifest_id is None
    section = section_of(replace(read("invalid"), failures=("assertion.dataHash.mismatch",)), recovered)
    assert (section.state, section.integrity, section.failures) == ("recovered", Integrity.ABSENT, [])
    assert section.recovered is recovered
