import datetime as dt
import json
import os
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from service.access.tenants import Terms
from service.gateway import review_queue as module
from service.gateway.held_draft import HeldDraft
from service.gateway.order import Order
from service.gateway.review_queue import ReviewQueue
from service.generation import ModelIdentity
from service.installation import Installation
from service.keys import signing
from service.kit import home
from service.kit.errors import BadRequest, Gone, Misconfigured, NotFound, Unavailable
from service.storage.tables import held as table
from tests.support.clock import NOON, Clock
from tests.support.database import engine_of
from tests.support.painter import landscape

SUBJECT, OTHER = "S-0000-0000-0000-0001", "S-0000-0000-0000-0002"
KEPT = HeldDraft(
    Order(prompt="a secret garden", seed=1),
    ModelIdentity("painter", "1", "0" * 64),
    NOON,
    0,
    None,
    landscape(1, 64, 64),
)
WHY = ("Olga Operator", "it is somebody else")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(installation: Installation) -> Path:
    return installation.settings.home / "held"


@pytest.fixture
def review_queue(installation: Installation, folder: Path, clock: Clock) -> ReviewQueue:
    digest = signing.prompt_digester(installation.settings)
    for name in ("acme", "other"):
        installation.tenants.add(Terms(name=name))
    return ReviewQueue(installation.ledger, signing.vault(installation.settings), folder, 7, digest, clock)


def keep(review_queue: ReviewQueue, tenant: str = "acme") -> str:
    content_id = uuid.uuid4().urn
    assert review_queue.keep(content_id, tenant, [SUBJECT], KEPT)
    return content_id


def actions(installation: Installation, content_id: str) -> list[str]:
    return [json.loads(d.body).get("action", d.kind) for d in installation.ledger.decided(content_id)]


def handed_over(installation: Installation, review_queue: ReviewQueue, content_id: str) -> None:
    with installation.ledger.write() as stored:
        review_queue.mark_fetched(stored, content_id)
    review_queue.shred(content_id)


def test_off_means_nothing_is_kept(installation: Installation, folder: Path) -> None:
    off = ReviewQueue(
        installation.ledger,
        signing.vault(installation.settings),
        folder,
        0,
        signing.prompt_digester(installation.settings),
    )
    assert off.keep("urn:uuid:1", "", [SUBJECT], KEPT) is None
    assert not folder.exists()
    assert installation.ledger.verify().decisions == 0


def test_it_waits_until_somebody_decides(review_queue: ReviewQueue, installation: Installation) -> None:
    content_id = keep(review_queue)
    status = review_queue.status(content_id, "acme")
    assert (status.status, status.until) == ("waiting", "2026-05-08T12:00:00+00:00")
    (told,) = review_queue.queue()
    assert (told.id, told.tenant, told.subjects) == (content_id, "acme", (SUBJECT,))
    with pytest.raises(BadRequest, match="waiting"):
        review_queue.reviewed(content_id, "acme")
    seen = review_queue.look(content_id, WHY[0])
    assert np.array_equal(seen.rgb, KEPT.rgb)
    assert actions(installation, content_id) == ["kept", "looked at"]


def test_nothing_of_it_lies_in_the_home_folder_in_clear(review_queue: ReviewQueue, installation: Installation) -> None:
    content_id = keep(review_queue)
    review_queue.release(content_id, *WHY)
    row = KEPT.rgb[0].tobytes()
    for path in Path(installation.settings.home).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert row not in data
            assert b"secret garden" not in data
            assert WHY[1].encode() not in data


def test_the_file_is_for_its_owner_alone(review_queue: ReviewQueue, folder: Path) -> None:
    content_id = keep(review_queue)
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert content_id.split(":")[-1] not in path.name


def test_a_release_is_an_override_about_these_pixels(review_queue: ReviewQueue, installation: Installation) -> None:
    content_id = keep(review_queue)
    review_queue.release(content_id, *WHY)
    kept, review = review_queue.reviewed(content_id, "acme")
    assert np.array_equal(kept.rgb, KEPT.rgb)
    assert kept.order == KEPT.order
    assert review.subjects == {SUBJECT}
    decision = installation.ledger.decided(content_id)[-1]
    assert (decision.kind, review.decisions) == ("override", (decision.hash,))
    content = json.loads(decision.body)
    assert content["pixels"] == KEPT.pixels
    assert content["reason"] == signing.prompt_digester(installation.settings)(WHY[1])
    assert WHY[0] not in decision.body
    assert [(one.status, one.operator, one.reason) for one in review_queue.queue(all_=True)] == [("released", *WHY)]
    assert list(review_queue.queue()) == []


def test_somebody_elses_picture_is_none(review_queue: ReviewQueue) -> None:
    content_id = keep(review_queue, "acme")
    for tenant in ("", "other"):
        for ask in (review_queue.status, review_queue.reviewed):
            with pytest.raises(NotFound):
                ask(content_id, tenant)
    with pytest.raises(NotFound):
        review_queue.status("urn:uuid:none", "acme")


def test_a_decision_needs_a_name_and_a_reason_and_is_final(review_queue: ReviewQueue) -> None:
    content_id = keep(review_queue)
    for words in (("", "x"), ("Olga", " "), ("x" * 101, "x"), ("Olga", "x" * 4001)):
        with pytest.raises(BadRequest):
            review_queue.release(content_id, *words)
    review_queue.release(content_id, *WHY)
    with pytest.raises(Gone):
        review_queue.release(content_id, *WHY)
    with pytest.raises(NotFound):
        review_queue.release("urn:uuid:none", *WHY)


def shredded(installation: Installation, folder: Path, content_id: str) -> None:
    assert list(folder.iterdir()) == []
    with engine_of(installation.ledger).connect() as connection:
        query = select(table.c.wrapped_key).where(table.c.content_id == content_id)
        assert connection.execute(query).scalar() is None


def test_a_refused_picture_is_shredded(review_queue: ReviewQueue, installation: Installation, folder: Path) -> None:
    content_id = keep(review_queue)
    review_queue.refuse(content_id, *WHY)
    shredded(installation, folder, content_id)
    for ask in (lambda: review_queue.status(content_id, "acme"), lambda: review_queue.look(content_id)):
        with pytest.raises(Gone):
            ask()
    assert [one.reason for one in review_queue.queue(all_=True)] == [WHY[1]]


def test_a_released_one_can_still_be_refused(
    review_queue: ReviewQueue, installation: Installation, folder: Path
) -> None:
    content_id = keep(review_queue)
    review_queue.release(content_id, *WHY)
    review_queue.refuse(content_id, *WHY)
    shredded(installation, folder, content_id)


def test_what_is_not_decided_in_time_is_shredded(
    review_queue: ReviewQueue, installation: Installation, folder: Path, clock: Clock
) -> None:
    waiting, released = keep(review_queue), keep(review_queue)
    review_queue.release(released, *WHY)
    clock.wait(7 * 24 - 1)
    assert review_queue.purge() == []
    clock.wait(1)
    for content_id in (waiting, released):
        with pytest.raises(Gone):
            review_queue.look(content_id)
    assert set(review_queue.purge()) == {waiting, released}
    for content_id in (waiting, released):
        shredded(installation, folder, content_id)
        assert actions(installation, content_id)[-1] == "expired"
    assert review_queue.purge() == []


def test_asking_after_its_time_shreds_it(
    review_queue: ReviewQueue, installation: Installation, folder: Path, clock: Clock
) -> None:
    content_id = keep(review_queue)
    clock.wait(7 * 24)
    with pytest.raises(Gone):
        review_queue.status(content_id, "acme")
    shredded(installation, folder, content_id)


def test_it_is_handed_over_once(review_queue: ReviewQueue, installation: Installation, folder: Path) -> None:
    content_id = keep(review_queue)
    with pytest.raises(Gone):
        handed_over(installation, review_queue, content_id)
    review_queue.release(content_id, *WHY)
    handed_over(installation, review_queue, content_id)
    shredded(installation, folder, content_id)
    with pytest.raises(Gone):
        handed_over(installation, review_queue, content_id)
    with pytest.raises(Gone):
        review_queue.reviewed(content_id, "acme")


def test_held_again_it_needs_another_review(review_queue: ReviewQueue) -> None:
    content_id = keep(review_queue)
    review_queue.release(content_id, *WHY)
    assert review_queue.again(content_id, "acme", [OTHER], KEPT)
    with pytest.raises(BadRequest):
        review_queue.reviewed(content_id, "acme")
    review_queue.release(content_id, *WHY)
    _, review = review_queue.reviewed(content_id, "acme")
    assert review.subjects == {SUBJECT, OTHER}
    assert len(review.decisions) == 2


# What somebody could do to the database or the folder.


def change(installation: Installation, **values: object) -> None:
    with engine_of(installation.ledger).begin() as connection:
        connection.execute(table.update().values(**values))


def test_a_row_alone_releases_nothing(review_queue: ReviewQueue, installation: Installation) -> None:
    content_id = keep(review_queue)
    change(installation, status="released")
    with pytest.raises(Misconfigured, match="no decision"):
        review_queue.reviewed(content_id, "acme")


def test_an_override_of_something_else_releases_nothing(review_queue: ReviewQueue, installation: Installation) -> None:
    content_id = keep(review_queue)
    installation.ledger.record("override", content_id, {"about": "refusal", "outcome": "overturned"})
    installation.ledger.record(
        "override", content_id, {"about": "held picture", "outcome": "released", "pixels": "0" * 64}
    )
    change(installation, status="released")
    with pytest.raises(Misconfigured, match="no decision"):
        review_queue.reviewed(content_id, "acme")


def test_a_decision_that_was_edited_releases_nothing(review_queue: ReviewQueue, installation: Installation) -> None:
    content_id = keep(review_queue)
    review_queue.release(content_id, *WHY)
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql("UPDATE decisions SET body = replace(body, '0001', '0002') WHERE kind = 'override'")
    with pytest.raises(Misconfigured, match="no decision"):
        review_queue.reviewed(content_id, "acme")


def test_another_picture_in_its_place_does_not_open(
    review_queue: ReviewQueue, folder: Path, installation: Installation
) -> None:
    first, second = keep(review_queue), keep(review_queue)
    one, two = sorted(folder.iterdir())
    two.write_bytes(one.read_bytes())
    failed = 0
    for content_id in (first, second):
        try:
            review_queue.release(content_id, *WHY)
        except Misconfigured:
            failed += 1
    assert failed == 1
    change(installation, pixels="0" * 64)
    with pytest.raises(Misconfigured):
        review_queue.look(first)


def test_a_lost_file_is_told(review_queue: ReviewQueue, folder: Path) -> None:
    content_id = keep(review_queue)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        review_queue.release(content_id, *WHY)


def test_what_another_version_kept_can_only_be_refused(
    review_queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldDraft, "to_bytes", lambda self: b"something else")
    content_id = keep(review_queue)
    with pytest.raises(Misconfigured, match="another version"):
        review_queue.release(content_id, *WHY)
    review_queue.refuse(content_id, *WHY)


def test_what_cannot_be_recorded_is_not_kept(
    review_queue: ReviewQueue, installation: Installation, folder: Path
) -> None:
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON held BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    with pytest.raises(Unavailable):
        keep(review_queue)
    assert list(folder.iterdir()) == []
    assert installation.ledger.verify().decisions == 2  # the two tenants


def test_files_that_belong_to_no_picture_are_swept_once_they_are_old(review_queue: ReviewQueue, folder: Path) -> None:
    content_id = keep(review_queue)
    young, old = folder / "young.box", folder / "old.box"
    for path in (young, old):
        path.write_bytes(b"x")
    before = time.time() - 32 * 86400
    os.utime(old, (before, before))
    for path in folder.iterdir():
        if path not in (young, old):
            os.utime(path, (before, before))
    review_queue.purge()
    assert young.exists()
    assert not old.exists()
    assert review_queue.look(content_id)


def test_more_than_there_is_room_for_are_not_kept(review_queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    content_id = keep(review_queue)
    assert review_queue.keep("urn:uuid:2", "", [SUBJECT], KEPT) is None
    review_queue.refuse(content_id, *WHY)
    assert review_queue.keep("urn:uuid:3", "", [SUBJECT], KEPT)


def test_one_tenant_leaves_room_for_the_others(review_queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OF_ONE", 1)
    keep(review_queue, "acme")
    assert review_queue.keep("urn:uuid:2", "acme", [SUBJECT], KEPT) is None
    assert review_queue.keep("urn:uuid:3", "other", [SUBJECT], KEPT)


@pytest.mark.parametrize("cap", ["MOST_BYTES", "MOST_BYTES_OF_ONE"])
def test_bytes_are_counted_and_not_pictures_alone(
    review_queue: ReviewQueue, folder: Path, monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    first = keep(review_queue)
    size = next(folder.iterdir()).stat().st_size
    monkeypatch.setattr(module, cap, 2 * size)
    keep(review_queue)
    assert review_queue.keep("urn:uuid:3", "acme", [SUBJECT], KEPT) is None
    review_queue.refuse(first, *WHY)
    assert review_queue.keep("urn:uuid:4", "acme", [SUBJECT], KEPT)


def test_two_at_once_do_not_take_one_place(
    review_queue: ReviewQueue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one is recorded after the first look, while this one's file is written."""
    monkeypatch.setattr(module, "MOST", 1)
    create, other = home.create, list[Path]()

    def meanwhile(path: Path, data: bytes) -> None:
        if not other:
            other.append(path)
            assert review_queue.keep("urn:uuid:other", "acme", [SUBJECT], KEPT)
        create(path, data)

    monkeypatch.setattr(home, "create", meanwhile)
    assert review_queue.keep("urn:uuid:late", "acme", [SUBJECT], KEPT) is None
    assert [one.id for one in review_queue.queue()] == ["urn:uuid:other"]
    assert len(list(folder.iterdir())) == 1


def test_who_comes_second_is_told_that_it_is_gone(
    review_queue: ReviewQueue, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is fetched after the row was read and before the file is."""
    content_id = keep(review_queue)
    review_queue.release(content_id, *WHY)
    read = Path.read_bytes

    def late(path: Path) -> bytes:
        monkeypatch.setattr(Path, "read_bytes", read)
        handed_over(installation, review_queue, content_id)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    with pytest.raises(Gone):
        review_queue.reviewed(content_id, "acme")


def test_what_is_left_behind_by_a_reader_is_no_fault(
    review_queue: ReviewQueue, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_id = keep(review_queue)

    def busy() -> None:
        raise Unavailable("somebody reads")

    monkeypatch.setattr(installation.ledger, "scrub", busy)
    review_queue.refuse(content_id, *WHY)
    assert actions(installation, content_id)[-1] == "refused"


def test_the_time_is_the_settings(installation: Installation, folder: Path, clock: Clock) -> None:
    digest = signing.prompt_digester(installation.settings)
    short = ReviewQueue(installation.ledger, signing.vault(installation.settings), folder, 1, digest, clock)
    assert short.keep("urn:uuid:1", "", [SUBJECT], KEPT) == (NOON + dt.timedelta(days=1)).isoformat()
