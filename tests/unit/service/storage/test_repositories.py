"""What repositories give back is what was put in, typed; and what an index needs to follow them."""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.kit.errors import Unavailable
from service.ledger.ledger import Issue, Ledger
from service.storage import (
    ApiKeyRow,
    AppealRow,
    Block,
    ChallengeRow,
    ExaminationRow,
    FeedbackRow,
    GrantRow,
    HeldReview,
    HeldRow,
    Listed,
    OperatorSessionRow,
    PinFailures,
    Repositories,
    SubjectRow,
    TakedownRow,
    TemplateRow,
    TenantRow,
    UsageRow,
    UseRow,
)
from tests.support.clock import NOON

ANN, MODEL = "S-A", "c" * 64
LATER = NOON + dt.timedelta(hours=1)
SUBJECT = SubjectRow(ANN, NOON, None, True, bytes(16), bytes(32), b"key", b"box")
GRANT = GrantRow("G-1", ANN, "a poster", ("portrait", "edit"), "acme", NOON, LATER, "receipt", "d" * 64)
TENANT = TenantRow("acme", NOON, 0.5, None, None)
KEY = ApiKeyRow("cm_1", "acme", bytes(32), "cm_1", "a phone", ("generate", "jobs"), NOON)
HELD = HeldRow("urn:uuid:1", "acme", NOON, LATER, "waiting", (ANN, "S-B"), "f" * 64, b"key")
REVIEW = HeldReview("Olga", NOON, b"key", b"words")


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    shutil.copyfile(empty_ledger, tmp_path / "ledger.db")
    opened = Ledger.open(tmp_path / "ledger.db")
    yield opened
    opened.close()


@pytest.fixture
def stored(ledger: Ledger) -> Iterator[Repositories]:
    with ledger.write() as opened:
        yield opened


def image(number: int) -> Issue:
    bits = bytes([number]) * 32
    return Issue(
        900 - number, f"urn:uuid:{number}", NOON, "image/png", 8, 8, f"{number}", bits, 90, b"m", "m", "d", 1, ""
    )


def takedown(case: str, target: str = "t", **changes: object) -> TakedownRow:
    return TakedownRow(case, bytes(16), bytes(32), NOON, LATER, "received", target, None, None, None, b"k", b"s")


def test_images_count_up_whatever_their_marks_are(stored: Repositories) -> None:
    assert [stored.images.add(image(number)) for number in (1, 2, 3)] == [1, 2, 3]
    new = stored.images.fingerprints(after=1)
    assert new.ids.tolist() == [2, 3]
    assert [bytes(row) for row in new.hashes] == [bytes([2]) * 32, bytes([3]) * 32]
    found = [stored.images.by_number(number) for number in (1, 2, 3, 4)]
    assert [image and image.mark_id for image in found] == [899, 898, 897, None]
    assert stored.images.newest() == 3
    assert stored.images.by_sha256("2") == image(2)


def test_an_image_is_found_by_its_manifests_identifier(stored: Repositories) -> None:
    for number in (1, 2):
        stored.images.name_manifest(stored.images.add(image(number)), f"urn:c2pa:{number}")
    assert stored.images.by_manifest("urn:c2pa:2") == image(2)
    assert stored.images.by_manifest("urn:c2pa:3") is None


def test_hashes_of_the_tree_are_found_by_number(stored: Repositories) -> None:
    assert (stored.merkle.count(), stored.merkle.hashes([]), list(stored.merkle.raw())) == (0, {}, [])
    stored.merkle.append(0, [b"0" * 32])
    stored.merkle.append(1, [b"1" * 32, b"2" * 32])
    assert stored.merkle.count() == 3
    assert stored.merkle.hashes([2, 0, 9]) == {0: b"0" * 32, 2: b"2" * 32}
    assert [number for number, _ in stored.merkle.raw()] == [0, 1, 2]


def test_a_snapshot_of_a_list_follows_its_changes(stored: Repositories) -> None:
    one, two = Listed("pdq", "1" * 64), Listed("pdq", "2" * 64)
    stored.blocklist.add([one, two], "ncii", "test", NOON, active=True)
    first = stored.blocklist.revision()
    assert stored.blocklist.withdraw("ncii", one.hash) == 1
    (changed,) = stored.blocklist.withdrawn_after("pdq", first)
    assert (stored.blocklist.block(changed).list, len(stored.blocklist.active_after("pdq", first))) == ("ncii", 0)
    active = stored.blocklist.active_after("pdq", 0)
    assert (active.ids.tolist(), bytes(active.hashes).hex()) == ([changed + 1], two.hash)
    assert (len(stored.blocklist.active_after("sha256", 0)), stored.blocklist.withdrawn_after("sha256", 0)) == (0, [])
    newest = stored.blocklist.revision()
    assert newest > first
    assert stored.blocklist.withdrawn_after("pdq", newest) == []
    stored.blocklist.add([one], "ncii", "test", NOON, active=True)
    again = stored.blocklist.active_after("pdq", newest)
    assert (again.ids.tolist(), bytes(again.hashes).hex()) == ([changed], one.hash)


def test_templates_are_followed_by_ids_that_are_never_reused(stored: Repositories) -> None:
    stored.subjects.add(SUBJECT)
    stored.templates.add([TemplateRow(ANN, MODEL, b"1"), TemplateRow(ANN, MODEL, b"2")])
    last = stored.templates.protected(MODEL)[-1].id
    stored.templates.delete_of(ANN)
    stored.templates.add([TemplateRow(ANN, MODEL, b"3")])
    assert [row.sealed for row in stored.templates.protected(MODEL, after=last)] == [b"3"]
    assert stored.templates.protected_ids(MODEL).tolist() == [last + 1]
    assert stored.templates.protected_ids("d" * 64).tolist() == []
    assert stored.templates.without("d" * 64) == [ANN]
    assert stored.templates.without(MODEL) == []
    assert stored.templates.of(ANN, "d" * 64) == []


def test_templates_of_one_model_are_deleted_alone(stored: Repositories) -> None:
    stored.subjects.add(SUBJECT)
    stored.templates.add([TemplateRow(ANN, MODEL, b"1"), TemplateRow(ANN, "d" * 64, b"2")])
    assert stored.templates.without(MODEL) == stored.templates.without("d" * 64) == []
    stored.templates.delete_of(ANN, MODEL)
    assert [row.sealed for row in stored.templates.of(ANN)] == [b"2"]
    assert stored.templates.without(MODEL) == [ANN]


def test_an_erased_subject_keeps_its_row(stored: Repositories) -> None:
    stored.subjects.add(SUBJECT)
    assert stored.subjects.get(ANN) == SUBJECT
    assert stored.subjects.exists(ANN)
    stored.subjects.erase(ANN, LATER)
    row = stored.subjects.get(ANN)
    assert row
    assert (row.sealed, row.wrapped_key, row.erased_at, row.protected) == (None, None, LATER, False)
    assert not stored.subjects.exists(ANN)
    assert not stored.subjects.any_protected()


def test_a_grant_lives_until_it_expires_or_is_revoked(stored: Repositories) -> None:
    stored.subjects.add(SUBJECT)
    stored.grants.add(GRANT)
    assert stored.grants.get("G-1") == GRANT
    assert stored.grants.is_live("G-1", NOON)
    assert not stored.grants.is_live("G-1", LATER)
    stored.grants.revoke_all(ANN, NOON)
    stored.grants.revoke("G-1", LATER)  # the first one counts
    assert [row.revoked_at for row in stored.grants.for_grantee("acme")] == [NOON]
    assert not stored.grants.is_live("G-1", NOON)


def test_a_use_names_a_grant_and_an_image_that_are_stored(ledger: Ledger) -> None:
    with ledger.write() as stored:
        stored.subjects.add(SUBJECT)
        stored.grants.add(GRANT)
        stored.images.add(image(1))
        stored.uses.add(UseRow("G-1", "urn:uuid:1", NOON))
        stored.uses.withdraw("urn:uuid:1", LATER)
        assert stored.uses.of_subject(ANN) == [UseRow("G-1", "urn:uuid:1", NOON, LATER)]
    for wrong in (UseRow("G-2", "urn:uuid:1", NOON), UseRow("G-1", "urn:uuid:2", NOON)):
        with pytest.raises(Unavailable), ledger.write() as stored:
            stored.uses.add(wrong)


def test_a_challenge_is_taken_once(stored: Repositories) -> None:
    early, late = ChallengeRow("L-1", ("front", "left"), NOON), ChallengeRow("L-2", ("right",), LATER)
    stored.challenges.add(early)
    stored.challenges.add(late)
    stored.challenges.delete_expired(NOON)
    assert stored.challenges.take("L-1") is None
    assert (stored.challenges.take("L-2"), stored.challenges.take("L-2")) == (late, None)


def test_wrong_pins_are_counted_by_address_and_in_all(stored: Repositories) -> None:
    failures = stored.pin_failures
    assert (failures.of("S-1", "a"), failures.total("S-1"), failures.recent(NOON)) == (None, 0, [])
    for address, at in (("a", NOON), ("a", LATER), ("b", NOON)):
        failures.add("S-1", address, at)
    failures.add("S-2", "a", LATER)
    assert failures.of("S-1", "a") == PinFailures("S-1", 2, LATER)
    assert failures.total("S-1") == 3
    assert failures.recent(NOON) == [PinFailures("S-1", 3, LATER), PinFailures("S-2", 1, LATER)]
    assert failures.recent(NOON, "S-2") == [PinFailures("S-2", 1, LATER)]
    assert failures.recent(LATER) == [PinFailures("S-1", 2, LATER), PinFailures("S-2", 1, LATER)]
    failures.forget_addresses(LATER)
    assert (failures.of("S-1", "b"), failures.total("S-1")) == (None, 3)
    failures.clear("S-1", "a")
    assert (failures.of("S-1", "a"), failures.total("S-1")) == (None, 3)
    failures.clear("S-1")
    assert (failures.total("S-1"), failures.total("S-2")) == (0, 1)


def test_a_block_may_end_by_itself_and_a_decision_makes_it_last(stored: Repositories) -> None:
    listed, blocklist = [Listed("sha256", "a" * 64)], stored.blocklist
    blocklist.add(listed, "takedowns", "T-1", NOON, active=True, until=LATER)
    assert blocklist.block_of("sha256", "a" * 64, NOON) == Block("takedowns", LATER)
    assert blocklist.block_of("sha256", "a" * 64, LATER) is None
    blocklist.add(listed, "ncii", "police", NOON, active=True)
    assert blocklist.block_of("sha256", "a" * 64, NOON) == Block("ncii", None)
    blocklist.switch("takedowns", "T-1", active=True)
    assert blocklist.block_of("sha256", "a" * 64, LATER) == Block("takedowns", None)


def test_quarantines_are_counted_until_they_end_or_somebody_decides(stored: Repositories) -> None:
    for case in ("T-1", "T-2"):
        stored.takedowns.add(replace(takedown(case), sender="stranger", quarantined_until=LATER))
    assert (stored.takedowns.quarantined(NOON), stored.takedowns.quarantined(LATER)) == (2, 0)
    assert stored.takedowns.quarantines_from("stranger", NOON) == 2
    assert stored.takedowns.quarantines_from("somebody else", NOON) == 0
    target = takedown("T-1").target
    assert not stored.takedowns.was_quarantined(target, NOON)
    assert stored.takedowns.was_quarantined(target, LATER)
    stored.takedowns.decide("T-1", "rejected", "Olga", NOON, None)
    assert stored.takedowns.quarantined(NOON) == 1
    assert stored.takedowns.was_quarantined(target, NOON)


def test_a_removed_tenant_changes_no_more(stored: Repositories) -> None:
    assert not stored.tenants.any()
    stored.tenants.add(TENANT)
    assert stored.tenants.get("acme") == TENANT
    assert stored.tenants.rotated("acme", LATER)
    assert stored.tenants.remove("acme", LATER)
    assert not stored.tenants.remove("acme", LATER)
    assert not stored.tenants.rotated("acme", NOON)
    (row,) = stored.tenants.all()
    assert (row.rotated_at, row.removed_at) == (LATER, LATER)


def test_a_key_is_replaced_and_revoked_once(stored: Repositories) -> None:
    stored.tenants.add(TENANT)
    stored.api_keys.add(KEY)
    stored.api_keys.add(replace(KEY, id="cm_2", created_at=LATER, images_per_day=5))
    assert stored.api_keys.get("cm_1") == KEY
    assert [row.id for row in stored.api_keys.all()] == ["cm_1", "cm_2"]
    stored.api_keys.replace("cm_1", "cm_2", LATER)
    stored.api_keys.used("cm_1", NOON)
    assert stored.api_keys.revoke("cm_1", LATER)
    assert not stored.api_keys.revoke("cm_1", NOON)
    assert not stored.api_keys.revoke("cm_3", NOON)
    old, new = stored.api_keys.of_tenant("acme")
    assert (old.replaced_by, old.expires_at, old.last_used_at, old.revoked_at) == ("cm_2", LATER, NOON, LATER)
    assert (new.lineage, new.images_per_day, new.revoked_at) == ("cm_1", 5, None)
    assert stored.api_keys.of_tenant("other") == []


def test_use_has_one_row_a_quota_and_a_bucket_to_the_millisecond(stored: Repositories) -> None:
    stored.tenants.add(TENANT)
    stored.api_keys.add(KEY)
    assert (stored.key_usage.of("cm_1"), stored.key_usage.bucket("cm_1")) == ({}, None)
    for used in (3, 7):
        stored.key_usage.put(UsageRow("cm_1", "images_per_day", used, LATER))
        stored.key_usage.put_bucket("cm_1", used + 0.5, NOON + dt.timedelta(milliseconds=used))
    assert stored.key_usage.of("cm_1") == {"images_per_day": UsageRow("cm_1", "images_per_day", 7, LATER)}
    assert stored.key_usage.bucket("cm_1") == (7.5, NOON + dt.timedelta(milliseconds=7))


def test_a_session_is_there_until_it_ends(stored: Repositories) -> None:
    stored.tenants.add(TENANT)
    stored.api_keys.add(KEY)
    row = OperatorSessionRow(b"t" * 32, "cm_1", LATER)
    stored.operator_sessions.add(row)
    assert stored.operator_sessions.get(b"t" * 32) == row
    stored.operator_sessions.forget(NOON)
    assert stored.operator_sessions.get(b"t" * 32) == row
    stored.operator_sessions.forget(LATER)
    assert stored.operator_sessions.get(b"t" * 32) is None
    stored.operator_sessions.add(row)
    stored.operator_sessions.end(b"t" * 32)
    assert stored.operator_sessions.get(b"t" * 32) is None


def test_notices_about_one_image_are_found(stored: Repositories) -> None:
    assert stored.takedowns.first_about("t") is None
    for case in ("T-1", "T-2"):
        stored.takedowns.add(takedown(case))
    assert stored.takedowns.first_about("t") == "T-1"
    stored.takedowns.decide("T-1", "rejected", "Olga", LATER, b"reason")
    assert stored.takedowns.first_about("t") == "T-2"
    assert [row.case for row in stored.takedowns.about("t", "received")] == ["T-2"]
    stored.takedowns.decide("T-2", "removed", "Olga", LATER, None)
    assert stored.takedowns.by_due_time(only_open=True) == []
    assert [row.sealed for row in stored.takedowns.by_due_time(only_open=False)] == [b"reason", b"s"]
    stored.takedowns.forget("T-1")
    row = stored.takedowns.get("T-1")
    assert row
    assert (row.sealed, row.wrapped_key, row.decided, row.decided_at) == (None, None, "rejected", LATER)


def test_an_appeal_is_resolved_once_and_then_forgotten(stored: Repositories) -> None:
    row = AppealRow("A-1", "verdict", "a" * 64, NOON, "filed", b"key", b"box")
    stored.appeals.add(row)
    assert stored.appeals.get("A-1") == row
    stored.appeals.forget_resolved("a" * 64)
    assert stored.appeals.by_filing_time(only_open=True) == [row]
    assert stored.appeals.resolve("A-1", "upheld", "Olga", LATER, b"reason")
    assert not stored.appeals.resolve("A-1", "overturned", "Olga", LATER, b"other")
    stored.appeals.forget_resolved("a" * 64)
    (resolved,) = stored.appeals.by_filing_time(only_open=False)
    assert (resolved.status, resolved.resolved_at, resolved.sealed) == ("upheld", LATER, None)


@pytest.mark.parametrize("tenant", ["acme", None])
def test_a_held_image_goes_one_way(stored: Repositories, tenant: str | None) -> None:
    stored.tenants.add(TENANT)
    row = HeldRow("urn:uuid:1", tenant, NOON, LATER, "waiting", (ANN, "S-B"), "f" * 64, b"key")
    stored.held.add(row)
    assert stored.held.get("urn:uuid:1") == row
    assert not stored.held.fetch("urn:uuid:1", NOON)
    assert stored.held.release("urn:uuid:1", REVIEW)
    assert not stored.held.release("urn:uuid:1", REVIEW)
    assert stored.held.hold_again("urn:uuid:1", ["S-C"], NOON)
    assert stored.held.release("urn:uuid:1", REVIEW)
    assert stored.held.fetch("urn:uuid:1", NOON)
    assert not stored.held.drop("urn:uuid:1", NOON)
    (fetched,) = stored.held.by_time()
    assert (fetched.status, fetched.wrapped_key, fetched.subjects, fetched.words) == (
        "fetched",
        None,
        ("S-C",),
        b"words",
    )
    assert stored.held.with_key() == []


@pytest.mark.parametrize("end", ["release", "refuse", "drop"])
def test_a_held_image_whose_time_is_over_can_only_expire(stored: Repositories, end: str) -> None:
    stored.tenants.add(TENANT)
    stored.held.add(HELD)
    late = HeldReview("Olga", LATER, b"key", b"words")
    assert not getattr(stored.held, end)("urn:uuid:1", LATER if end == "drop" else late)
    assert stored.held.overdue(NOON) == []
    assert stored.held.overdue(LATER) == ["urn:uuid:1"]
    assert stored.held.expire("urn:uuid:1")
    assert stored.held.overdue(LATER) == []


def test_a_held_image_of_a_tenant_that_never_was_is_not_kept(ledger: Ledger) -> None:
    with pytest.raises(Unavailable), ledger.write() as stored:
        stored.held.add(HELD)


def test_decisions_are_found_by_subject_and_kind(ledger: Ledger) -> None:
    ledger.record("adapter", "style", {"action": "added"})
    ledger.record("blocklist", "style", {"action": "add"})
    with ledger.read() as stored:
        assert [row.kind for row in stored.decisions.about("style")] == ["adapter", "blocklist"]
        assert [row.content for row in stored.decisions.about("style", "adapter")] == [{"action": "added"}]
        assert (stored.decisions.newest("blocklist"), stored.decisions.newest("consent")) == (2, 0)
        last = stored.decisions.last()
        assert last
        assert (last.seq, last.at.tzinfo) == (2, dt.UTC)


def examination(number: str, day: int = 1, **changes: object) -> ExaminationRow:
    row = ExaminationRow(
        number, NOON.replace(day=day), "f" * 64, "synthetic@2/x/encoder", "night", 0.25, "inconclusive", True
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def test_examinations_are_kept_for_some_days_with_what_was_said_of_them(stored: Repositories) -> None:
    stored.examinations.add([examination("late", 3), examination("old", 1), examination("early", 2)])
    stored.examinations.set_candidate("late", "next@1", 0.5, None)
    stored.examinations.set_candidate("gone", "next@1", 0.5, None)
    late = examination("late", 3, candidate="next@1", candidate_score=0.5)
    assert stored.examinations.get("late") == late
    assert list(stored.examinations.since(NOON.replace(day=2))) == [examination("early", 2), late]
    for number in ("old", "late"):
        stored.feedback.put(FeedbackRow(number, "real", "author", None, NOON))
    assert stored.examinations.forget_before(NOON.replace(day=2)) == 1
    assert stored.examinations.get("old") is None
    assert stored.feedback.all() == [(FeedbackRow("late", "real", "author", None, NOON), late)]


def test_a_later_label_replaces_the_first(stored: Repositories) -> None:
    stored.tenants.add(TENANT)
    stored.examinations.add([examination("a")])
    stored.feedback.put(FeedbackRow("a", "real", "other", None, NOON))
    corrected = FeedbackRow("a", "synthetic", "reviewer", "acme", LATER)
    stored.feedback.put(corrected)
    assert [row for row, _ in stored.feedback.all()] == [corrected]


def test_a_label_of_an_examination_that_never_was_is_not_kept(ledger: Ledger) -> None:
    with pytest.raises(Unavailable), ledger.write() as stored:
        stored.feedback.put(FeedbackRow("none", "real", "author", None, NOON))
