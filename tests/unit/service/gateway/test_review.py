"""The gateway's side of the review queue."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from service.access.client import Client
from service.access.tenants import Terms
from service.gateway.held_draft import HeldDraft
from service.gateway.pipeline import Gateway
from service.gateway.review import DraftReview
from service.gateway.stages import Draft
from service.generation import ModelIdentity
from service.installation import Installation
from service.kit.errors import Blocked, Error, LikenessHeld, NotFound, StageFailed, Unavailable, Unsafe
from tests.support.gateway import ORDER
from tests.support.painter import Painter

HELD = LikenessHeld("it may show somebody", stage="screen", subjects=["S-1"])


class Queue:
    """A review queue that notes what it is asked."""

    def __init__(self, model: ModelIdentity = Painter.identity, fault: Exception | None = None) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._held = SimpleNamespace(model=model)
        self._fault = fault

    def keep(self, content_id: str, tenant: str, subjects: tuple[str, ...], held: HeldDraft) -> str:
        if self._fault:
            raise self._fault
        self.calls.append(("keep", tenant, subjects, held.order.seed))
        return "2026-12-01"

    def reviewed(self, content_id: str, tenant: str) -> tuple[object, object]:
        return self._held, "review"

    def drop(self, content_id: str, code: str) -> None:
        self.calls.append(("drop", code))
        if self._fault:
            raise self._fault

    def shred(self, content_id: str) -> None:
        self.calls.append(("shred",))


def review(queue: Queue | None) -> DraftReview:
    return DraftReview(queue, Painter())  # type: ignore[arg-type]  # a stand-in


@pytest.fixture
def draft(gateway: Gateway, installation: Installation) -> Draft:
    installation.tenants.add(Terms(name="acme"))
    return gateway.release(ORDER, client=Client("acme")).proven.signed.marked.cleared.draft


def test_a_held_draft_is_kept_and_the_refusal_says_how_to_ask_for_it(draft: Draft) -> None:
    queue = Queue()
    refusal = review(queue).hold(draft, HELD)
    assert queue.calls == [("keep", "acme", ("S-1",), 7)]
    assert "2026-12-01" in refusal.hint
    assert draft.admitted.content_id in refusal.hint
    assert "2026-12-01" not in HELD.hint  # a refusal is not edited once it was raised
    assert (type(refusal), refusal.message, refusal.subjects) == (LikenessHeld, HELD.message, HELD.subjects)


@pytest.mark.parametrize("queue", [None, Queue(fault=Unavailable("no disk")), Queue(fault=OSError("full"))])
def test_what_cannot_be_kept_is_refused_all_the_same(draft: Draft, queue: Queue | None) -> None:
    assert review(queue).hold(draft, HELD) is HELD


def test_a_face_of_an_adapters_samples_is_not_kept(draft: Draft) -> None:
    queue = Queue()
    nobody = LikenessHeld("somebody of the samples", stage="screen")
    assert review(queue).hold(draft, nobody) is nobody
    assert queue.calls == []


@contextlib.contextmanager
def taken_up(queue: Queue | None) -> Iterator[Any]:
    with review(queue).taken_up("urn:uuid:1", Client()) as found:
        yield found


def test_what_was_handed_over_is_deleted() -> None:
    queue = Queue()
    with taken_up(queue) as (_, found):
        assert found == "review"
        assert queue.calls == []
    assert queue.calls == [("shred",)]


@pytest.mark.parametrize("final", [Unsafe("no", stage="screen"), Blocked("listed", stage="screen")])
def test_what_is_refused_for_what_it_shows_is_dropped(final: Error) -> None:
    queue = Queue(fault=Unavailable("no disk"))  # which changes nothing
    with pytest.raises(type(final)), taken_up(queue):
        raise final
    assert queue.calls == [("drop", final.code)]


def test_what_failed_for_another_reason_stays() -> None:
    queue = Queue()
    with pytest.raises(StageFailed), taken_up(queue):
        raise StageFailed("the signer is gone", stage="sign")
    assert queue.calls == []


def test_another_model_hands_nothing_over() -> None:
    with pytest.raises(Unavailable, match="other"), taken_up(Queue(ModelIdentity("other", "1", "0" * 64))):
        pytest.fail("it was taken up")


def test_without_a_queue_there_is_nothing_to_take_up() -> None:
    with pytest.raises(NotFound), taken_up(None):
        pytest.fail("it was taken up")
