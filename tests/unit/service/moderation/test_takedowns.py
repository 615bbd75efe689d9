"""Notices of removal: the clock, the blocks, what the reporter learns, and that nothing personal gets out."""

import datetime as dt
import itertools
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import CapturingLogger

from detectors import fingerprint
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import BadRequest, Blocked, NotFound, Unavailable
from service.media.pictures import ImageLimits, decode
from service.moderation import takedowns as module
from service.moderation.appeals import Appeal, Appeals
from service.moderation.blocklist import Blocklist
from service.moderation.notices import QuarantineLimits, Sender
from service.moderation.takedowns import Takedowns
from service.storage.blocklist import BlocklistRepository
from tests.support.clock import Clock
from tests.support.painter import landscape
from tests.support.takedowns import RGB, START, appeals_of, notice, picture, takedowns_of

SECRETS = ("Jane Roe", "jane@example.org", "my former partner", "pictures.example/jane", "blue house")
ORDER = Order(prompt="a lake at dawn", seed=7)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def takedowns(installation: Installation, clock: Clock) -> Takedowns:
    return takedowns_of(installation, clock)


@pytest.fixture
def appeals(installation: Installation, takedowns: Takedowns, clock: Clock) -> Appeals:
    return appeals_of(installation, takedowns, clock)


def test_the_answer_and_the_clock(takedowns: Takedowns, clock: Clock) -> None:
    receipt = takedowns.receive(notice(content_id=f"urn:uuid:{'0' * 36}"))
    assert receipt.received_at == "2026-05-19T12:00:00+00:00"
    assert receipt.due_at == "2026-05-21T12:00:00+00:00"
    assert not receipt.blocked
    clock.wait(48)
    assert [case.overdue for case in takedowns.list()] == [False]
    clock.wait(0.01)
    assert [case.overdue for case in takedowns.list()] == [True]
    takedowns.resolve(receipt.case, "removed", "op")
    assert list(takedowns.list()) == []
    assert [case.overdue for case in takedowns.list(all_=True)] == [False]


def test_the_list_is_sorted_by_due_time(takedowns: Takedowns, clock: Clock) -> None:
    first = takedowns.receive(notice())
    clock.wait(1)
    second = takedowns.receive(notice(sha256="a" * 64))
    assert [case.case for case in takedowns.list()] == [first.case, second.case]


def test_an_uploaded_copy_is_blocked_at_once_and_freed_by_a_rejection(
    installation: Installation, takedowns: Takedowns
) -> None:
    copy = picture(RGB)
    receipt = takedowns.receive(notice(), copy)
    assert receipt.blocked
    for rgb in (RGB, RGB[:, ::-1], RGB[26:-26, 32:-32]):
        with pytest.raises(Blocked) as caught:
            installation.blocklist.check_pixels(rgb)
        assert caught.value.message == "the image is on the list takedowns"
    with pytest.raises(Blocked):
        installation.blocklist.check_upload(copy.data, landscape(9, 256, 256))
    takedowns.resolve(receipt.case, "rejected", "op", "It shows a lake.")
    installation.blocklist.check_upload(copy.data, RGB)


STRANGER = Sender(None, "198.51.100.9")


@pytest.fixture
def quarantining(installation: Installation, clock: Clock) -> Takedowns:
    """Takedowns of an installation whose blocklist is on the same clock."""
    installation.blocklist = Blocklist(installation.ledger, clock)
    limits = QuarantineLimits(dt.timedelta(days=7), at_once=6, per_address=2)
    return takedowns_of(installation, clock, quarantine=limits)


def test_a_strangers_notice_is_a_quarantine_that_ends(
    installation: Installation, quarantining: Takedowns, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(module, "log", log)
    receipt = quarantining.receive(notice(), picture(RGB), STRANGER)
    assert (receipt.blocked, receipt.quarantined_until) == (True, "2026-05-26T12:00:00+00:00")
    (told,) = log.calls
    assert told.args == ("takedown_received",)
    assert (told.kwargs["case"], told.kwargs["quarantined_until"]) == (receipt.case, receipt.quarantined_until)
    assert not any(secret in str(told) for secret in (*SECRETS, STRANGER.address))
    with pytest.raises(Blocked, match="in quarantine until 2026-05-26") as refused:
        installation.blocklist.check_pixels(RGB)
    assert "appeal" in refused.value.hint
    with pytest.raises(Blocked, match="in quarantine"):
        installation.blocklist.check_upload(picture(RGB).data, landscape(9, 256, 256))
    assert [case.quarantined_until for case in quarantining.list()] == [receipt.quarantined_until]
    clock.wait(7 * 24)
    installation.blocklist.check_pixels(RGB)
    installation.blocklist.check_upload(picture(RGB).data, RGB)
    assert [case.overdue for case in quarantining.list()] == [True]  # it still has to be decided


@pytest.mark.parametrize("late", [False, True])
def test_a_decision_replaces_the_quarantine(
    installation: Installation, quarantining: Takedowns, clock: Clock, late: bool
) -> None:
    receipt = quarantining.receive(notice(), picture(RGB), STRANGER)
    clock.wait(8 * 24 if late else 24)
    quarantining.resolve(receipt.case, "removed", "op")
    clock.wait(365 * 24)
    with pytest.raises(Blocked, match="on the list takedowns"):
        installation.blocklist.check_pixels(RGB)
    assert [case.quarantined_until for case in quarantining.list(all_=True)] == [None]


def test_a_stranger_can_put_an_image_in_quarantine_once(
    installation: Installation, quarantining: Takedowns, clock: Clock
) -> None:
    first = quarantining.receive(notice(), picture(RGB), STRANGER)
    quarantining.resolve(first.case, "rejected", "op", "It shows a lake.")
    assert not quarantining.receive(notice(), picture(RGB), Sender(None, "192.0.2.1")).blocked
    other = picture(landscape(4, 320, 256))
    assert quarantining.receive(notice(), other, STRANGER).blocked
    clock.wait(7 * 24)
    assert not quarantining.receive(notice(), other, STRANGER).blocked
    assert installation.blocklist.match(RGB) is None
    known = quarantining.receive(notice(), picture(RGB), Sender("acme", "192.0.2.1"))
    assert (known.blocked, known.quarantined_until) == (True, None)
    assert installation.blocklist.match(RGB) is not None


def test_an_address_can_block_a_few_images_and_all_together_not_many(quarantining: Takedowns, clock: Clock) -> None:
    numbers = itertools.count()

    def blocked(addresses: Sequence[str]) -> int:
        senders = [Sender(None, address) for address in addresses]
        return sum(quarantining.receive(notice(sha256=f"{next(numbers):064x}"), None, one).blocked for one in senders)

    assert blocked(["198.51.100.9"] * 10) == 2
    assert blocked([f"192.0.2.{n}" for n in range(40)]) == 4
    assert len(list(quarantining.list())) == 50  # every one is due, and none was dropped
    assert quarantining.receive(notice(sha256="f" * 64), None, Sender("acme")).blocked
    clock.wait(7 * 24)
    assert blocked(["198.51.100.9"]) == 1


def test_a_forgotten_notice_forgets_where_it_came_from(installation: Installation, quarantining: Takedowns) -> None:
    receipt = quarantining.receive(notice(), picture(RGB), STRANGER)
    quarantining.resolve(receipt.case, "removed", "op")
    quarantining.forget(receipt.case)
    with installation.ledger.read() as stored:
        row = stored.takedowns.get(receipt.case)
    assert row is not None
    assert row.sender is None


def test_where_the_operator_wants_it_a_picture_is_blocked_on_decision(installation: Installation, clock: Clock) -> None:
    takedowns = takedowns_of(installation, clock, at_once=False)
    receipt = takedowns.receive(notice(), picture(RGB))
    assert not receipt.blocked
    installation.blocklist.check_pixels(RGB)
    takedowns.resolve(receipt.case, "removed", "op")
    with pytest.raises(Blocked):
        installation.blocklist.check_pixels(RGB)


def test_an_image_of_ours_named_by_its_id_is_drawn_no_more(
    installation: Installation, takedowns: Takedowns, gateway: Gateway
) -> None:
    released = gateway.release(ORDER)
    takedowns.receive(notice(content_id=released.admitted.content_id))
    with pytest.raises(Blocked) as caught:
        gateway.release(ORDER)
    assert caught.value.stage == "screen"
    with pytest.raises(Blocked):
        installation.blocklist.check_upload(released.data, landscape(9, 256, 256))


@pytest.mark.parametrize("how", ["sha256", "file", "looks"])
def test_a_copy_leads_to_the_image_issued_here(
    installation: Installation, takedowns: Takedowns, gateway: Gateway, how: str
) -> None:
    released = gateway.release(ORDER)
    pixels = decode(released.data, ImageLimits(1 << 24, 1 << 24)).rgb
    if how == "sha256":
        takedowns.receive(notice(sha256=released.sha256.upper()))
    else:
        takedowns.receive(notice(), picture(pixels, "jpeg" if how == "looks" else "png"))
    (case,) = takedowns.list()
    assert case.content_id == released.admitted.content_id
    with pytest.raises(Blocked):
        gateway.release(ORDER)


def test_a_mark_leads_to_the_image_where_looks_do_not(
    installation: Installation, clock: Clock, gateway: Gateway
) -> None:
    released = gateway.release(ORDER)
    takedowns = takedowns_of(installation, clock)
    takedowns._read_mark = lambda copy: released.admitted.mark_id
    takedowns.receive(notice(), picture(landscape(99, 256, 256)))
    assert next(takedowns.list()).content_id == released.admitted.content_id


def test_what_identifies_nothing_is_refused(takedowns: Takedowns) -> None:
    with pytest.raises(BadRequest, match="identifies"):
        takedowns.receive(notice(url=None))


def test_the_reporter_asks_with_the_pin(takedowns: Takedowns, clock: Clock) -> None:
    receipt = takedowns.receive(notice())
    assert takedowns.status(receipt.case, receipt.pin).status == "received"
    wrong = "0" * 8 if receipt.pin != "0" * 8 else "1" * 8
    for case, pin in ((receipt.case, wrong), ("T-NONE", receipt.pin), (receipt.case, "")):
        with pytest.raises(NotFound) as caught:
            takedowns.status(case, pin)
        assert caught.value.message == "no case has this number and PIN"
    clock.wait(2)
    takedowns.resolve(receipt.case, "rejected", "op", "The address shows nothing.")
    status = takedowns.status(receipt.case, receipt.pin)
    assert (status.status, status.reason) == ("rejected", "The address shows nothing.")
    assert status.decided_at == "2026-05-19T14:00:00+00:00"


def test_decisions_need_an_operator_and_rejections_a_reason(takedowns: Takedowns) -> None:
    case = takedowns.receive(notice()).case
    for operator, reason in (("", "x"), ("op", " ")):
        with pytest.raises(BadRequest):
            takedowns.resolve(case, "rejected", operator, reason)
    with pytest.raises(NotFound):
        takedowns.resolve("T-NONE", "removed", "op")
    takedowns.resolve(case, "removed", "op")
    with pytest.raises(BadRequest, match="removed"):
        takedowns.resolve(case, "rejected", "op", "x")


def test_two_operators_decide_once(
    takedowns: Takedowns, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = takedowns.receive(notice()).case
    stale = takedowns._need(case)
    takedowns.resolve(case, "removed", "op")
    monkeypatch.setattr(takedowns, "_need", lambda number: stale)
    before = installation.ledger.verify().decisions
    with pytest.raises(BadRequest, match="somebody else"):
        takedowns.resolve(case, "rejected", "op", "x")
    assert installation.ledger.verify().decisions == before


def test_duplicates_are_told_and_removed_together(
    takedowns: Takedowns, installation: Installation, clock: Clock
) -> None:
    cases = []
    for _ in range(3):
        cases.append(takedowns.receive(notice(), picture(RGB)).case)
        clock.wait(1)
    other = takedowns.receive(notice(sha256="a" * 64)).case
    assert [c.duplicate_of for c in takedowns.list()] == [None, cases[0], cases[0], None]
    takedowns.resolve(cases[2], "rejected", "op", "The signature is missing.")
    with pytest.raises(Blocked):  # the others' notices stand
        installation.blocklist.check_pixels(RGB)
    assert takedowns.resolve(cases[0], "removed", "op") == (cases[0], cases[1])
    assert [c.case for c in takedowns.list()] == [other]


def test_nothing_personal_outside_the_vault(
    takedowns: Takedowns, appeals: Appeals, installation: Installation, capfd: pytest.CaptureFixture[str]
) -> None:
    receipt = takedowns.receive(notice(), picture(RGB))
    assert takedowns.show(receipt.case)[1]["contact"] == "jane@example.org"
    takedowns.resolve(receipt.case, "rejected", "op", "Jane Roe is not shown.")
    appeal = appeals.file(
        Appeal(about="takedown", subject=receipt.case, statement="Jane Roe is!", contact="jane@example.org")
    )
    appeals.resolve(appeal.id, "overturned", "op", "Jane Roe was right.")
    bodies = [decision.body for decision in installation.ledger.decided(receipt.case)]
    assert len(bodies) == 4
    assert installation.ledger.verify().problems == ()
    installation.close()
    files = [path.read_bytes() for path in installation.settings.home.rglob("*") if path.is_file()]
    out = capfd.readouterr()
    for secret in (*SECRETS, receipt.pin):
        assert not any(secret in text for text in (*bodies, out.out, out.err))
        assert not any(secret.encode() in data for data in files)


def test_forgetting_destroys_the_key(takedowns: Takedowns, installation: Installation) -> None:
    receipt = takedowns.receive(notice(), picture(RGB))
    wrapped = takedowns._need(receipt.case).wrapped_key
    assert wrapped
    with pytest.raises(BadRequest):
        takedowns.forget(receipt.case)
    takedowns.resolve(receipt.case, "removed", "op", "Done.")
    takedowns.forget(receipt.case)
    case, personal = takedowns.show(receipt.case)
    assert personal == {}
    assert not case.readable
    assert takedowns.status(receipt.case, receipt.pin).status == "removed"
    with pytest.raises(Blocked):
        installation.blocklist.check_pixels(RGB)
    folder: Path = installation.settings.home  # searched before `close`, which clears the log of writes by itself
    assert not any(wrapped in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_where_a_reader_keeps_traces_forgetting_says_so(takedowns: Takedowns, installation: Installation) -> None:
    receipt = takedowns.receive(notice(), picture(RGB))
    takedowns.resolve(receipt.case, "removed", "op", "Done.")
    reader = sqlite3.connect(installation.settings.home / "ledger.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM decisions").fetchone()
    try:
        with pytest.raises(Unavailable, match="traces"):
            takedowns.forget(receipt.case)
    finally:
        reader.close()
    assert takedowns.show(receipt.case)[1] == {}


def test_a_notice_with_a_picture_of_its_own_is_not_decided_along(installation: Installation, clock: Clock) -> None:
    takedowns = takedowns_of(installation, clock, at_once=False)
    content_id = "urn:uuid:00000000-0000-0000-0000-000000000001"
    victim = takedowns.receive(notice(content_id=content_id))
    rider = takedowns.receive(notice(content_id=content_id), picture(RGB))
    assert takedowns.resolve(victim.case, "removed", "op") == (victim.case,)
    assert takedowns.status(rider.case, rider.pin).status == "received"
    assert installation.blocklist.match(RGB) is None


def test_what_frees_a_picture_frees_it_of_every_notice(
    takedowns: Takedowns, appeals: Appeals, installation: Installation
) -> None:
    first, second = (takedowns.receive(notice(), picture(RGB)) for _ in range(2))
    takedowns.resolve(first.case, "removed", "op")
    filed = appeals.file(Appeal(about="takedown", subject=first.case, statement="It is mine."))
    appeals.resolve(filed.id, "overturned", "op2", "It is theirs.")
    assert installation.blocklist.match(RGB) is None
    told = takedowns.status(second.case, second.pin)
    assert (told.status, told.reason) == ("rejected", "It is theirs.")


def test_a_notice_that_cannot_be_recorded_blocks_nothing_and_is_told(
    takedowns: Takedowns, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> int:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(BlocklistRepository, "add", full)
    with pytest.raises(Unavailable):
        takedowns.receive(notice(), picture(RGB))
    assert list(takedowns.list()) == []
    assert installation.ledger.verify().decisions == 0


def test_a_featureless_copy_is_blocked_by_its_file_alone(takedowns: Takedowns, installation: Installation) -> None:

    flat = picture(np.full((256, 256, 3), 9, np.uint8))
    assert fingerprint(flat.rgb).quality < 50
    takedowns.receive(notice(), flat)
    installation.blocklist.check_pixels(flat.rgb)
    with pytest.raises(Blocked):
        installation.blocklist.check_upload(flat.data, flat.rgb)


def test_another_home_shares_no_blocks(installation: Installation, takedowns: Takedowns) -> None:
    takedowns.receive(notice(), picture(RGB))
    assert Blocklist(installation.ledger).match(RGB) is not None  # a fresh process over the same database
