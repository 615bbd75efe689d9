"""Pictures that come in: each face in them granted, nothing listed or unsafe, and what came in is in the manifest."""

import json

import numpy as np
import pytest

from service.errors import BadRequest, Blocked, BrokenPicture, LikenessRefused, StageFailed, Unsafe
from service.gateway import Gateway
from service.generation import Job
from service.hashlists import Listed
from service.house import House
from service.likeness import Likeness
from service.pictures import Limits, decode, encode
from service.stages import Order
from service.staging import Watch
from tests.integration.test_consent import grant
from tests.support.painter import Checker, Painter, finding
from tests.support.people import ANN, BOB, ByColour, enrolled, portrait

GREY = (128, 128, 128)
SKY = encode(portrait(GREY), "png")[0]
ANNS = encode(portrait(ANN), "png")[0]
LIMITS = Limits(1 << 24, 1 << 24)


def mask() -> bytes:
    """The lower half."""
    half = np.zeros((256, 256, 3), np.uint8)
    half[128:] = 255
    return encode(half, "png")[0]


class Plain(Painter):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def render(self, job, on_step):  # type: ignore[no-untyped-def]
        self.jobs.append(job)
        return super().render(job, on_step)


@pytest.fixture
def likeness(house: House) -> Likeness:
    house.likeness = Likeness(house.consent, ByColour, 0.5, "default")
    return house.likeness


@pytest.fixture
def backend() -> Plain:
    return Plain()


@pytest.fixture
def gateway(build, backend: Plain, likeness: Likeness) -> Gateway:
    return build(backend, likeness=likeness)


def edit(image: bytes = SKY, **changes: object) -> Order:
    return Order(prompt="more discs", seed=2, image=image, **changes)  # type: ignore[arg-type]


def test_a_part_is_drawn_anew_and_the_rest_stays(gateway: Gateway, house: House) -> None:
    released = gateway.release(edit(mask=mask()))
    before, after = decode(SKY, LIMITS).rgb, decode(released.data, LIMITS).rgb
    apart = np.abs(before.astype(int) - after).mean(axis=(1, 2))
    assert apart[:120].mean() < 4  # the mark alone
    assert apart[136:].mean() > 10
    credential = house.credentials.read(released.data, released.mime)
    assert credential.state == "trusted"
    assert [one.relationship for one in credential.ingredients] == ["parentOf", "inputTo"]
    assert [one.action for one in credential.actions][:2] == ["c2pa.opened", "c2pa.edited"]
    (decision,) = house.ledger.decided(released.admitted.content_id)
    given = json.loads(decision.body)["given"]
    assert [(one["role"], one["sha256"]) for one in given] == [
        (one.role, one.picture.sha256) for one in released.admitted.given
    ]


def test_what_was_issued_here_can_be_changed_again_and_carries_the_new_mark(gateway: Gateway, house: House) -> None:
    first = gateway.release(edit(mask=mask()))
    second = gateway.release(edit(image=first.data, mask=mask()))
    reading = house.codec.extract(decode(second.data, LIMITS).rgb)
    assert reading is not None
    assert reading.mark_id == second.admitted.mark_id != first.admitted.mark_id
    report = house.examiner.examine(second.data)
    assert report.verdict == "issued_here"


def test_a_face_that_comes_in_needs_a_grant_for_edits(gateway: Gateway, backend: Plain, house: House) -> None:
    with pytest.raises(LikenessRefused, match="1 of the 1 faces"):
        gateway.release(edit(ANNS))
    ann = enrolled(house.consent)
    with pytest.raises(LikenessRefused, match="does not allow `edit`"):
        gateway.release(edit(ANNS, grants=(grant(house, ann.subject).id,)))
    allowed = grant(house, ann.subject, scopes=["edit"])
    assert gateway.release(edit(ANNS, grants=(allowed.id,)))
    (job,) = backend.jobs
    assert job.canvas is not None


def test_a_grant_of_one_brings_no_other_face_in(gateway: Gateway, house: House) -> None:
    bob = enrolled(house.consent, BOB)
    allowed = grant(house, bob.subject, scopes=["edit"])
    with pytest.raises(LikenessRefused, match="belong to nobody"):
        gateway.release(edit(ANNS, grants=(allowed.id,)))


def test_a_face_in_the_mask_is_a_face(gateway: Gateway) -> None:
    with pytest.raises(LikenessRefused):
        gateway.release(edit(SKY, mask=ANNS))


def test_a_refusal_of_what_came_in_is_recorded_without_it(gateway: Gateway, house: House) -> None:
    with pytest.raises(LikenessRefused) as refused:
        gateway.release(edit(ANNS))
    assert refused.value.content_id is not None
    (decision,) = house.ledger.decided(refused.value.content_id)
    content = json.loads(decision.body)
    assert (content["code"], content["stage"]) == ("likeness_refused", "admit")


def test_a_listed_picture_and_its_like_stay_out(gateway: Gateway, house: House) -> None:
    released = gateway.release(edit())
    picture = decode(released.data, LIMITS)
    house.blocklist.add([Listed("sha256", picture.sha256, "")], "list", "test")
    with pytest.raises(Blocked) as refused:
        gateway.release(edit(released.data))
    assert refused.value.stage == "admit"


def test_an_unsafe_picture_stays_out_before_anything_is_drawn(build, likeness: Likeness) -> None:
    backend = Plain()
    checker = Checker(lambda images: [finding(0.9) for _ in images])
    with pytest.raises(Unsafe, match="sent in"):
        build(backend, [checker], likeness=likeness).release(edit())
    assert backend.jobs == []


def test_without_a_face_model_no_picture_comes_in(build, house: House) -> None:
    def missing() -> ByColour:
        raise OSError("no model")

    with pytest.raises(StageFailed):
        build(Plain(), likeness=Likeness(house.consent, missing, 0.5, "default")).release(edit())


def test_a_grant_revoked_while_it_renders_releases_nothing(gateway: Gateway, house: House) -> None:
    allowed = grant(house, enrolled(house.consent).subject, scopes=["edit"])
    watch = Watch(on_step=lambda done, total: house.consent.grants.revoke(allowed.id) and None)
    with pytest.raises(LikenessRefused, match="ended while"):
        gateway.release(edit(ANNS, grants=(allowed.id,)), watch)
    assert house.ledger.verify().images == 0


def test_what_cannot_be_used_is_said(gateway: Gateway) -> None:
    with pytest.raises(BrokenPicture):
        gateway.release(edit(SKY[:200]))
    with pytest.raises(BadRequest, match="selects nothing"):
        gateway.release(edit(mask=encode(np.zeros((256, 256, 3), np.uint8), "png")[0]))
    for alone in ({"mask": SKY}, {"strength": 0.5}):
        with pytest.raises(ValueError, match="send `image`"):
            Order(prompt="x", **alone)  # type: ignore[arg-type]
