"""Pictures that come in: each face in them granted, nothing listed or unsafe, and what came in is in the manifest."""

import hashlib
import json
import struct
import threading
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import Face, Finding, fingerprint
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job, OnStep
from service.installation import Installation
from service.kit.errors import BadRequest, Blocked, BrokenPicture, Busy, LikenessRefused, StageFailed, Unsafe
from service.likeness.checks import Likeness
from service.media.pictures import ImageLimits, decode, encode
from service.moderation.hash_lists import Listed
from tests.integration.test_consent import grant
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter, finding, landscape
from tests.support.people import ANN, BOB, ByColour, enrolled, portrait, revoking
from tests.support.statements import STATEMENT
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.pki import make_development_pki

GREY = (128, 128, 128)
SKY = encode(portrait(GREY), "png")[0]
ANNS = encode(portrait(ANN), "png")[0]
LIMITS = ImageLimits(1 << 24, 1 << 24)


def mask() -> bytes:
    """The lower half."""
    half = np.zeros((256, 256, 3), np.uint8)
    half[128:] = 255
    return encode(half, "png")[0]


class Plain(Painter):
    """Remembers what it was asked for."""

    reference_digest = "d" * 64

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        self.jobs.append(job)
        return super().render(job, on_step)


@pytest.fixture
def backend() -> Plain:
    return Plain()


@pytest.fixture
def gateway(build: Build, backend: Plain, likeness: Likeness) -> Gateway:
    return build(backend, likeness=likeness)


def edit(image: bytes = SKY, **changes: object) -> Order:
    return Order(prompt="more discs", seed=2, image=image, **changes)  # type: ignore[arg-type]


def test_a_part_is_drawn_anew_and_the_rest_stays(gateway: Gateway, installation: Installation) -> None:
    released = gateway.release(edit(mask=mask()))
    before, after = decode(SKY, LIMITS).rgb, decode(released.data, LIMITS).rgb
    apart = np.abs(before.astype(int) - after).mean(axis=(1, 2))
    assert apart[:120].mean() < 4  # the mark alone
    assert apart[136:].mean() > 10
    credential = installation.credentials.read(released.data, released.mime)
    assert credential.state == "trusted"
    assert [one.relationship for one in credential.ingredients] == ["parentOf", "inputTo"]
    assert [one.action for one in credential.actions][:2] == ["c2pa.opened", "c2pa.edited"]
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    given = json.loads(decision.body)["given"]
    assert given == [
        {"role": "image", "sha256": hashlib.sha256(SKY).hexdigest()},
        {"role": "mask", "sha256": hashlib.sha256(mask()).hexdigest()},
    ]
    assert all(one["sha256"].encode() in released.data for one in given)


def test_an_image_of_another_shape_is_cropped_and_resized_in_the_manifest_too(
    gateway: Gateway, installation: Installation
) -> None:
    released = gateway.release(edit(width=320, height=256))
    report = installation.examiner.examine(released.data)
    assert report.verdict == "edited_here"
    credential = installation.credentials.read(released.data, released.mime)
    assert [one.action for one in credential.actions] == [
        "c2pa.opened",
        "c2pa.cropped",
        "c2pa.resized.proportional",
        "c2pa.edited",
        "c2pa.watermarked.bound",
    ]


def test_what_was_issued_here_can_be_changed_again_and_carries_the_new_mark(
    gateway: Gateway, installation: Installation
) -> None:
    first = gateway.release(edit(mask=mask()))
    again = edit(image=first.data, mask=mask()).model_copy(update={"seed": 5})  # the same seed would change nothing
    second = gateway.release(again)
    reading = installation.codec.extract(decode(second.data, LIMITS).rgb)
    assert reading is not None
    assert reading.mark_id == second.admitted.mark_id != first.admitted.mark_id
    report = installation.examiner.examine(second.data)
    assert report.verdict == "edited_here"


def test_a_face_that_comes_in_needs_a_grant_for_edits(
    gateway: Gateway, backend: Plain, installation: Installation
) -> None:
    with pytest.raises(LikenessRefused, match="1 of 1 faces"):
        gateway.release(edit(ANNS))
    ann = enrolled(installation.consent)
    with pytest.raises(LikenessRefused, match="does not allow `edit`"):
        gateway.release(edit(ANNS, grants=(grant(installation, ann.subject).id,)))
    allowed = grant(installation, ann.subject, scopes=["edit"])
    assert gateway.release(edit(ANNS, grants=(allowed.id,)))
    (job,) = backend.jobs
    assert job.canvas is not None


def test_a_grant_of_one_brings_no_other_face_in(gateway: Gateway, installation: Installation) -> None:
    bob = enrolled(installation.consent, BOB)
    allowed = grant(installation, bob.subject, scopes=["edit"])
    with pytest.raises(LikenessRefused, match="not covered by a grant"):
        gateway.release(edit(ANNS, grants=(allowed.id,)))


def test_a_face_in_the_mask_is_a_face(gateway: Gateway) -> None:
    with pytest.raises(LikenessRefused):
        gateway.release(edit(SKY, mask=ANNS))


def test_a_refusal_of_what_came_in_is_recorded_without_it(gateway: Gateway, installation: Installation) -> None:
    with pytest.raises(LikenessRefused) as refused:
        gateway.release(edit(ANNS))
    assert refused.value.content_id is not None
    (decision,) = installation.ledger.decided(refused.value.content_id)
    content = json.loads(decision.body)
    assert (content["code"], content["stage"]) == ("likeness_refused", "admit")


def test_a_listed_picture_and_its_like_stay_out(gateway: Gateway, installation: Installation) -> None:
    released = gateway.release(edit())
    picture = decode(released.data, LIMITS)
    installation.blocklist.add([Listed("sha256", picture.sha256, "")], "list", "test")
    with pytest.raises(Blocked) as refused:
        gateway.release(edit(released.data))
    assert refused.value.stage == "admit"


def test_an_unsafe_picture_stays_out_before_anything_is_drawn(build: Build, likeness: Likeness) -> None:
    backend = Plain()
    checker = Checker(lambda images: [finding(0.9) for _ in images])
    with pytest.raises(Unsafe, match="the input image"):
        build(backend, [checker], likeness=likeness).release(edit())
    assert backend.jobs == []


def test_without_a_face_model_no_picture_comes_in(build: Build, installation: Installation) -> None:
    def missing() -> ByColour:
        raise OSError("no model")

    with pytest.raises(StageFailed):
        build(Plain(), likeness=Likeness(installation.consent, missing, 0.5, "default")).release(edit())


def test_a_grant_revoked_while_it_renders_releases_nothing(gateway: Gateway, installation: Installation) -> None:
    allowed = grant(installation, enrolled(installation.consent).subject, scopes=["edit"])
    observer = ReleaseObserver(on_step=revoking(installation, allowed))
    with pytest.raises(LikenessRefused, match="ended while"):
        gateway.release(edit(ANNS, grants=(allowed.id,)), observer)
    assert installation.ledger.verify().images == 0


def test_what_cannot_be_used_is_said(gateway: Gateway) -> None:
    with pytest.raises(BrokenPicture):
        gateway.release(edit(SKY[:200]))
    with pytest.raises(BadRequest, match="selects nothing"):
        gateway.release(edit(mask=encode(np.zeros((256, 256, 3), np.uint8), "png")[0]))
    for alone in ({"mask": SKY}, {"strength": 0.5}):
        with pytest.raises(ValueError, match="send `image`"):
            Order(prompt="x", **alone)


def test_nothing_of_what_came_in_is_in_the_manifest(gateway: Gateway, installation: Installation) -> None:
    """A manifest can hold pictures, names and places, and anybody can sign one."""
    other = make_development_pki()
    stranger = Credentials(other.chain, other.key, "es256", [])
    signed = stranger.sign(SKY, "image/png", replace(STATEMENT, provider="SMUGGLED")).data
    assert b"SMUGGLED" in signed
    released = gateway.release(edit(signed, mask=mask()))
    assert b"SMUGGLED" not in released.data
    issued = installation.ledger.by_content_id(released.admitted.content_id)
    assert issued is not None
    assert b"SMUGGLED" not in issued.manifest


@pytest.mark.parametrize("garbage", [b"", b"\0" * 40, b"\0\0\0\x20jumb" + b"x" * 24])
def test_a_manifest_that_cannot_be_parsed_is_nobodys_fault(gateway: Gateway, garbage: bytes) -> None:
    chunk = struct.pack(">I", len(garbage)) + b"caBX" + garbage + struct.pack(">I", zlib.crc32(b"caBX" + garbage))
    assert gateway.release(edit(SKY[:33] + chunk + SKY[33:], mask=mask()))


class Beholder(ByColour):
    """Sees nothing in pictures that are not square: a face in the middle of a strip is lost in it."""

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return super().__call__(rgb) if rgb.shape[0] == rgb.shape[1] else []


def test_what_is_drawn_on_is_looked_at_too(build: Build, installation: Installation) -> None:
    strip = np.full((1024, 256, 3), 128, np.uint8)
    strip[384:640] = portrait(ANN)
    likeness = Likeness(installation.consent, Beholder, 0.5, "default")
    backend = Plain()
    with pytest.raises(LikenessRefused) as refused:
        build(backend, likeness=likeness).release(edit(encode(strip, "png")[0], width=256, height=256))
    assert refused.value.stage == "admit"
    assert backend.jobs == []


def test_a_listed_picture_with_wide_margins_stays_out(gateway: Gateway, installation: Installation) -> None:
    picture = landscape(5, 256, 256)
    picture[:16, :16] = GREY
    look = fingerprint(picture)
    installation.blocklist.add([Listed("pdq", look.bits.hex(), "")], "list", "test")
    strip = np.full((1024, 256, 3), 128, np.uint8)
    strip[384:640] = picture
    with pytest.raises(Blocked) as refused:
        gateway.release(edit(encode(strip, "png")[0], width=256, height=256))
    assert refused.value.stage == "admit"


def test_a_mask_beside_what_is_drawn_selects_nothing(gateway: Gateway) -> None:
    wide, aside = np.full((256, 1024, 3), 128, np.uint8), np.zeros((256, 1024, 3), np.uint8)
    aside[:, :100] = 255
    order = edit(encode(wide, "png")[0], mask=encode(aside, "png")[0], width=256, height=256)
    with pytest.raises(BadRequest, match="selects nothing of the part that is generated"):
        gateway.release(order)


def test_few_orders_with_pictures_are_looked_at_at_once(build: Build, likeness: Likeness) -> None:
    free, waiting = threading.Event(), threading.Semaphore(0)

    def slow(images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        waiting.release()
        free.wait(20)
        return [finding(0.01) for _ in images]

    gateway = build(Plain(), [Checker(slow)], screen_timeout=0.5, likeness=likeness)
    ends = []

    def order() -> None:
        try:
            gateway.release(edit(mask=mask()))
        except (Busy, StageFailed) as end:
            ends.append(type(end))

    threads = [threading.Thread(target=order) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        assert waiting.acquire(timeout=20)
    for thread in threads:
        thread.join(20)
    free.set()
    assert len(ends) == len(threads)
    assert Busy in ends


# Pictures that it shall take after.


def after(*references: bytes, **changes: object) -> Order:
    return Order(prompt="more discs", seed=2, references=references, **changes)  # type: ignore[arg-type]


def test_references_are_handed_on_as_squares_and_told_in_the_manifest(
    gateway: Gateway, backend: Plain, installation: Installation
) -> None:
    wide = encode(np.full((64, 256, 3), 128, np.uint8), "png")[0]
    released = gateway.release(after(SKY, wide, reference_scale=0.3))
    (job,) = backend.jobs
    assert job.references is not None
    assert [picture.shape for picture in job.references.pictures] == [(512, 512, 3)] * 2
    assert job.references.scale == 0.3
    credential = installation.credentials.read(released.data, released.mime)
    assert credential.state == "trusted"
    assert [one.relationship for one in credential.ingredients] == ["inputTo", "inputTo"]
    assert credential.actions[0].action == "c2pa.created"
    assert b"d" * 64 in released.data  # the adapter's digest
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    assert [one["role"] for one in json.loads(decision.body)["given"]] == ["reference", "reference"]


def test_a_reference_beside_a_picture_to_change_is_an_input_of_the_change(
    gateway: Gateway, installation: Installation
) -> None:
    released = gateway.release(edit(mask=mask(), references=(SKY,)))
    credential = installation.credentials.read(released.data, released.mime)
    assert [one.relationship for one in credential.ingredients] == ["parentOf", "inputTo", "inputTo"]
    assert [one.action for one in credential.actions][:2] == ["c2pa.opened", "c2pa.edited"]


def test_a_face_in_a_reference_needs_a_grant_for_a_portrait(
    gateway: Gateway, backend: Plain, installation: Installation
) -> None:
    with pytest.raises(LikenessRefused, match="not covered by a grant"):
        gateway.release(after(SKY, ANNS))
    assert backend.jobs == []
    allowed = grant(installation, enrolled(installation.consent).subject)
    assert gateway.release(after(SKY, ANNS, grants=(allowed.id,)))


def test_the_square_of_a_reference_is_looked_at_too(build: Build, installation: Installation) -> None:
    strip = np.full((1024, 256, 3), 128, np.uint8)
    strip[384:640] = portrait(ANN)
    backend = Plain()
    likeness = Likeness(installation.consent, Beholder, 0.5, "default")
    with pytest.raises(LikenessRefused):
        build(backend, likeness=likeness).release(after(encode(strip, "png")[0]))
    assert backend.jobs == []


def test_unsafe_and_listed_references_stay_out(build: Build, likeness: Likeness, installation: Installation) -> None:
    checker = Checker(lambda images: [finding(0.9) for _ in images])
    with pytest.raises(Unsafe, match="the input image"):
        build(Plain(), [checker], likeness=likeness).release(after(SKY))
    installation.blocklist.add([Listed("sha256", hashlib.sha256(SKY).hexdigest(), "")], "list", "test")
    with pytest.raises(Blocked):
        build(Plain(), likeness=likeness).release(after(SKY))


def test_a_scale_alone_and_too_many_references_are_refused() -> None:
    with pytest.raises(ValueError, match="needs reference images"):
        Order(prompt="x", reference_scale=0.5)
    with pytest.raises(ValueError, match="at most 4"):
        after(*[SKY] * 5)
