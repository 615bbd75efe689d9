"""Every stage fails closed: whatever goes wrong, there are no pixels, and the refusal is written down."""

import json
import threading
import time

import numpy as np
import pytest

from detectors import OpenNsfw, fingerprint
from detectors.prompts import PromptScreen
from detectors.safety.canary import canary
from models import ModelMissing
from service.gateway.assembly import build_gateway
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.policy import is_answer
from service.gateway.summary import summarize
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    Blocked,
    Cancelled,
    Error,
    PromptRefused,
    Refusal,
    StageFailed,
    Unavailable,
    Unmarkable,
    Unsafe,
)
from service.media.pictures import ImageLimits, decode, encode
from service.moderation.hash_lists import Listed
from tests.support.painter import Checker, Misbehaving, Painter, finding, landscape
from tests.support.prompts import Screen, evidence
from watermark import Reading
from watermark.c2pa.credentials import Credential, CredentialError, SignedFile
from watermark.errors import WatermarkNotReadable

ORDER = Order(prompt="a lake at dawn", seed=7)


def refused(gateway: Gateway, installation: Installation, order: Order = ORDER) -> Refusal:
    """The refusal of an order, after checking that nothing was issued and that it is in the ledger."""
    before = installation.ledger.verify()
    with pytest.raises(Refusal) as caught:
        gateway.release(order)
    after = installation.ledger.verify()
    assert after.problems == ()
    assert after.images == before.images
    assert after.decisions == before.decisions + 1
    return caught.value


def raising(error: Exception):  # type: ignore[no-untyped-def]
    def answer(*_args: object, **_more: object) -> object:
        raise error

    return answer


BAD_ANSWERS = {
    "raises": raising(RuntimeError("out of memory")),
    "is missing": raising(ModelMissing("no weights")),
    "NaN": lambda images: [finding(float("nan"))],
    "infinite": lambda images: [finding(float("inf"))],
    "negative": lambda images: [finding(-0.1)],
    "above one": lambda images: [finding(1.1)],
    "nothing": lambda images: [],
    "too many": lambda images: [finding(0.0), finding(0.0)],
    "None": lambda images: None,
    "booleans": lambda images: [False],
    "numbers": lambda images: [0.0],
    "text score": lambda images: [finding("0.0")],  # type: ignore[arg-type]
    "None score": lambda images: [finding(None)],  # type: ignore[arg-type]
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_a_checker_that_does_not_answer_refuses(build, installation: Installation, answer) -> None:
    refusal = refused(build(checkers=[Checker(answer)]), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "screen"
    assert refusal.status == 503


def test_a_slow_checker_refuses(build, installation: Installation) -> None:
    slow = Checker(lambda images: time.sleep(5) or [finding(0.0)])
    refusal = refused(build(checkers=[slow], screen_timeout=0.05), installation)
    assert type(refusal) is StageFailed
    assert "0.05 s" in refusal.message


def test_one_bad_checker_among_good_ones_refuses(build, installation: Installation) -> None:
    assert refused(build(checkers=[Checker(), Checker(lambda images: []), Checker()]), installation).stage == "screen"


def test_no_checker_is_no_gateway(build) -> None:
    with pytest.raises(ValueError, match="checker"):
        build(checkers=[])


@pytest.mark.parametrize("score", [0.5, 0.9, 1.0])
def test_an_unsafe_picture_is_refused(build, installation: Installation, score: float) -> None:
    refusal = refused(build(checkers=[Checker(), Checker(lambda images: [finding(score)])]), installation)
    assert type(refusal) is Unsafe
    assert refusal.code == "moderation_blocked"
    assert refusal.status == 400


def test_the_real_checker_refuses_and_passes(build, installation: Installation, open_nsfw: OpenNsfw) -> None:
    """The canary is 224 px of abstract skin tones that open_nsfw takes for the real thing."""

    class Canary(Painter):
        default_size = (224, 224)

        def render(self, job, on_step):  # type: ignore[no-untyped-def]
            return canary(876)

    assert type(refused(build(Canary(), [open_nsfw]), installation)) is Unsafe
    assert build(Painter(), [open_nsfw]).release(ORDER).findings[0].score < 0.5


def test_the_checker_sees_the_very_pixels_that_are_marked(build) -> None:
    checker = Checker()
    released = build(checkers=[checker]).release(ORDER)
    assert checker.seen[0] is released.proven.signed.marked.cleared.draft.rgb


BAD_PIXELS = {
    "raises": raising(RuntimeError("cuda")),
    "nothing": lambda job: None,
    "floating point": lambda job: np.zeros((256, 256, 3), np.float32),
    "wrong size": lambda job: np.zeros((128, 256, 3), np.uint8),
    "a batch": lambda job: np.zeros((2, 256, 256, 3), np.uint8),
    "grey": lambda job: np.zeros((256, 256), np.uint8),
    "alpha": lambda job: np.zeros((256, 256, 4), np.uint8),
    "a list": lambda job: [[0]],
}


@pytest.mark.parametrize("answer", BAD_PIXELS.values(), ids=BAD_PIXELS.keys())
def test_a_backend_that_gives_no_picture_is_refused(build, installation: Installation, answer) -> None:
    refusal = refused(build(Misbehaving(answer)), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "render"


class Deaf:
    """A codec that marks and never finds its mark."""

    ALGORITHM = "deaf"

    def __init__(self, codec: object, answer: object = None) -> None:
        self._codec = codec
        self._answer = answer

    def embed(self, rgb, mark_id):  # type: ignore[no-untyped-def]
        return self._codec.embed(rgb, mark_id)  # type: ignore[attr-defined]

    def extract(self, rgb):  # type: ignore[no-untyped-def]
        return self._answer


def test_a_mark_that_does_not_read_back_is_refused(build, installation: Installation) -> None:
    refusal = refused(build(codec=Deaf(installation.codec)), installation)
    assert refusal.stage == "mark"
    assert "mark" in refusal.message


def test_another_mark_is_refused(build, installation: Installation) -> None:
    other = installation.codec.extract(installation.codec.embed(landscape(1, 256, 256), 1))
    assert isinstance(other, Reading)
    assert refused(build(codec=Deaf(installation.codec, other)), installation).stage == "mark"


def test_an_embedder_that_fails_is_refused(build, installation: Installation) -> None:
    codec = Deaf(installation.codec)
    codec.embed = raising(MemoryError())  # type: ignore[method-assign]
    assert refused(build(codec=codec), installation).stage == "mark"


def test_a_picture_that_drowns_the_mark_is_refused_for_itself(build, installation: Installation) -> None:
    """Not as a stage that failed: trying again would only cost the same again."""
    codec = Deaf(installation.codec)
    codec.embed = raising(WatermarkNotReadable("it is a pattern of the tile's own pitch"))  # type: ignore[method-assign]
    refusal = refused(build(codec=codec), installation)
    assert type(refusal) is Unmarkable
    assert (refusal.code, refusal.status, refusal.stage) == ("unmarkable", 422, "mark")
    assert "pitch" in refusal.message
    assert "seed" in refusal.hint


def test_the_mark_is_made_while_the_picture_is_checked(build, installation: Installation) -> None:
    codec, begun, pixels = Deaf(installation.codec), threading.Event(), []

    def embed(rgb, mark_id):  # type: ignore[no-untyped-def]
        begun.set()
        pixels.append(rgb)
        return installation.codec.embed(rgb, mark_id)

    codec.embed = embed  # type: ignore[method-assign]
    codec.extract = installation.codec.extract  # type: ignore[method-assign]
    checker = Checker(lambda images: [finding(0.0) for _ in images] if begun.wait(10) else [])
    released = build(codec=codec, checkers=[checker]).release(ORDER)
    assert pixels[0] is checker.seen[0] is released.proven.signed.marked.cleared.draft.rgb


@pytest.mark.parametrize("marking", ["works", "fails", "hangs"])
def test_what_is_refused_is_not_signed_whatever_came_of_its_mark(
    build, installation: Installation, marking: str
) -> None:
    """The checks have the word, and do not wait for the mark that is made beside them."""
    codec, signed = Deaf(installation.codec), []
    begun, freed, ended = (threading.Event() for _ in range(3))

    def embed(rgb, mark_id):  # type: ignore[no-untyped-def]
        begun.set()
        if marking == "fails":
            raise WatermarkNotReadable("a pattern")
        if marking == "hangs":
            freed.wait(10)
            ended.set()
        return installation.codec.embed(rgb, mark_id)

    codec.embed = embed  # type: ignore[method-assign]
    checker = Checker(lambda images: begun.wait(10) and [finding(1.0)])
    notary = Notary(installation.credentials, sign=lambda *given: signed.append(given))
    refusal = refused(build(codec=codec, checkers=[checker], credentials=notary), installation)
    waited = ended.is_set()
    freed.set()
    assert type(refusal) is Unsafe
    assert not (marking == "hangs" and waited)
    assert signed == []


class Notary:
    """Credentials whose answers are scripted."""

    def __init__(self, real: object, sign=None, read=None) -> None:  # type: ignore[no-untyped-def]
        self.sign = sign or real.sign  # type: ignore[attr-defined]
        self.read = read or real.read  # type: ignore[attr-defined]


def test_a_signer_that_fails_is_refused(build, installation: Installation) -> None:
    notary = Notary(installation.credentials, sign=raising(CredentialError("HSM is gone")))
    refusal = refused(build(credentials=notary), installation)
    assert refusal.stage == "sign"
    assert "HSM" in refusal.message


def test_an_unsigned_file_is_refused(build, installation: Installation) -> None:
    notary = Notary(installation.credentials, sign=lambda data, mime, statement: SignedFile(data, b""))
    assert refused(build(credentials=notary), installation).stage == "prove"


@pytest.mark.parametrize("state", ["invalid", "absent", "remote_only"])
def test_a_credential_that_does_not_hold_is_refused(build, installation: Installation, state) -> None:
    notary = Notary(installation.credentials, read=lambda *args: Credential(state))
    assert refused(build(credentials=notary), installation).stage == "prove"


def test_a_credential_that_names_another_mark_is_refused(build, installation: Installation) -> None:
    notary = Notary(installation.credentials, read=lambda *args: Credential("trusted"))
    assert refused(build(credentials=notary), installation).stage == "prove"


def test_a_file_that_shows_another_picture_is_refused(build, installation: Installation, monkeypatch) -> None:
    from service.gateway.stages import mark as module

    other = landscape(99, 256, 256)
    monkeypatch.setattr(module, "encode", lambda rgb, to, encode=module.encode: encode(other, to))
    refusal = refused(build(), installation)
    assert refusal.stage == "mark"
    assert "screened image" in refusal.message


@pytest.mark.parametrize(("read", "stage"), [(1, "mark"), (2, "prove")])
@pytest.mark.parametrize("to", ["png", "jpeg", "webp"])
def test_a_file_of_ours_that_cannot_be_read_is_no_callers_fault(
    build, installation: Installation, monkeypatch, to: str, read: int, stage: str
) -> None:
    from service.gateway.stages import mark, prove

    reads = []

    def decoded(data, limits, decode=mark.decode):  # type: ignore[no-untyped-def]
        reads.append(data)
        return decode(data if len(reads) != read else data[:100], limits)

    for module in (mark, prove):
        monkeypatch.setattr(module, "decode", decoded)
    refusal = refused(build(), installation, Order(prompt="a lake", seed=1, format=to))  # type: ignore[arg-type]
    assert (type(refusal), refusal.stage, refusal.status) == (StageFailed, stage, 503)


@pytest.mark.parametrize("other", ["another picture", "one grey level"])
def test_a_signer_that_changes_the_picture_is_refused(build, installation: Installation, other: str) -> None:
    """Also where it would still look like the screened one: what was read back is what must leave."""

    def sign(data, mime, statement):  # type: ignore[no-untyped-def]
        shown = (
            landscape(99, 256, 256)
            if other == "another picture"
            else decode(data, ImageLimits(1 << 24, 1 << 24)).rgb.copy()
        )
        shown[0, 0, 0] ^= 1
        return installation.credentials.sign(encode(shown, "png")[0], mime, statement)

    refusal = refused(build(credentials=Notary(installation.credentials, sign=sign)), installation)
    assert refusal.stage == "prove"
    assert "marked image" in refusal.message


class Torn:
    """A ledger that cannot be written."""

    def __init__(self, ledger: object, refuses_too: bool) -> None:
        self.fresh_mark_id = ledger.fresh_mark_id  # type: ignore[attr-defined]
        self.issue = raising(Unavailable("the disk is full"))
        self.refuse = raising(Unavailable("the disk is full")) if refuses_too else ledger.refuse  # type: ignore[attr-defined]


@pytest.mark.parametrize("refuses_too", [False, True])
def test_without_its_row_nothing_leaves(build, installation: Installation, refuses_too: bool) -> None:
    with pytest.raises(StageFailed) as caught:
        build(ledger=Torn(installation.ledger, refuses_too)).release(ORDER)
    assert caught.value.stage == "issue"
    assert installation.ledger.verify().images == 0


def test_a_taken_mark_id_is_refused_and_overwrites_nothing(
    build, installation: Installation, gateway: Gateway, monkeypatch
) -> None:
    first = gateway.release(ORDER)
    monkeypatch.setattr(installation.ledger, "fresh_mark_id", lambda: first.admitted.mark_id)
    with pytest.raises(StageFailed):
        gateway.release(ORDER)
    stored = installation.ledger.by_mark(first.admitted.mark_id)
    assert stored is not None
    assert stored.sha256 == first.sha256


def test_cancelling_stops_between_steps(build, installation: Installation) -> None:
    steps: list[int] = []
    observer = ReleaseObserver(on_step=lambda done, total: steps.append(done), cancelled=lambda: len(steps) == 2)
    with pytest.raises(Cancelled):
        build().release(ORDER, observer)
    assert steps == [1, 2]


def test_what_is_watched(gateway: Gateway) -> None:
    steps, seconds = [], []
    gateway.release(
        ORDER, ReleaseObserver(lambda done, total: steps.append((done, total)), lambda stage, s: seconds.append(stage))
    )
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert seconds == ["admit", "render", "screen", "mark", "sign", "prove", "issue"]


def test_a_bad_order_is_the_callers_fault_and_no_decision(gateway: Gateway, installation: Installation) -> None:
    with pytest.raises(BadRequest):
        gateway.release(Order(prompt="x", width=100, height=100))
    assert installation.ledger.verify().decisions == 0


def test_the_same_seed_gives_the_same_picture_and_another_identity(gateway: Gateway) -> None:
    one, two = gateway.release(ORDER), gateway.release(ORDER)
    drafts = [r.proven.signed.marked.cleared.draft.rgb for r in (one, two)]
    assert np.array_equal(*drafts)
    assert one.admitted.mark_id != two.admitted.mark_id
    assert one.admitted.content_id != two.admitted.content_id


def test_without_a_seed_one_is_drawn_and_told(gateway: Gateway) -> None:
    seeds = {gateway.release(Order(prompt="x")).admitted.job.seed for _ in range(3)}
    assert len(seeds) == 3


def test_the_mark_is_faint(gateway: Gateway) -> None:
    marked = gateway.release(ORDER).proven.signed.marked
    error = np.mean((marked.imprint.rgb.astype(float) - marked.cleared.draft.rgb) ** 2)
    assert 10 * np.log10(255**2 / error) > 36


@pytest.mark.parametrize("to", ["png", "jpeg", "webp"])
def test_the_row_describes_the_file(gateway: Gateway, installation: Installation, to) -> None:
    released = gateway.release(Order(prompt="a lake at dawn", seed=7, format=to))
    row = installation.ledger.by_sha256(released.sha256)
    assert row is not None
    assert (row.width, row.height) == decode(released.data, ImageLimits(1 << 20, 1 << 20)).size
    assert row.mime == f"image/{to}"
    assert installation.credentials.read(released.data, released.mime, row.manifest).state == "trusted"


def test_no_prompt_is_kept_anywhere(gateway: Gateway, build, installation: Installation, capfd) -> None:
    secret = "Xanthippe of Athens"
    gateway.release(Order(prompt=secret, seed=1))
    with pytest.raises(Refusal):
        build(Misbehaving(raising(RuntimeError(secret)))).release(Order(prompt=secret))
    installation.close()
    for path in installation.settings.home.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    out = capfd.readouterr()
    assert secret not in out.out + out.err


class Untouchable(Painter):
    """Must not be asked to draw."""

    def render(self, job, on_step):  # type: ignore[no-untyped-def]
        raise AssertionError("it was asked to draw")


BAD_EVIDENCE = {
    "raises": raising(RuntimeError("a lake at dawn")),
    "is missing": raising(ModelMissing("no weights")),
    "None": lambda prompt: None,
    "a verdict": lambda prompt: False,
    "NaN": lambda prompt: evidence(hate=float("nan")),
    "above one": lambda prompt: evidence(hate=1.1),
    "negative": lambda prompt: evidence(hate=-0.1),
    "text": lambda prompt: evidence(hate="0.1"),
}


@pytest.mark.parametrize("answer", BAD_EVIDENCE.values(), ids=BAD_EVIDENCE.keys())
def test_a_prompt_screen_that_does_not_answer_refuses(build, installation: Installation, answer) -> None:
    refusal = refused(build(Untouchable(), prompts=Screen(answer)), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "admit"
    assert "lake" not in refusal.message


def test_a_slow_prompt_screen_refuses(build, installation: Installation) -> None:
    slow = Screen(lambda prompt: time.sleep(5) or evidence())
    refusal = refused(build(Untouchable(), prompts=slow, screen_timeout=0.05), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "admit"


def test_a_refused_prompt_draws_nothing_and_is_written_down_without_its_words(
    build, installation: Installation, capfd
) -> None:
    order = Order(prompt="Xanthippe, s3xy ch\u200bild", seed=7)
    refusal = refused(build(Untouchable(), prompts=PromptScreen()), installation, order)
    assert type(refusal) is PromptRefused
    assert (refusal.code, refusal.status, refusal.stage) == ("prompt_refused", 400, "admit")
    assert refusal.message == "the prompt was refused (sexual minors)"
    body = last_body(installation)
    assert body["code"] == "prompt_refused"
    assert body["stage"] == "admit"
    assert body["categories"] == ["sexual_minors"]
    assert body["rules"] == ["sexual-and-minor"]
    assert "child" not in json.dumps(body)
    out = capfd.readouterr()
    assert "xanthippe" not in (out.out + out.err + json.dumps(body)).lower()


def test_a_score_at_its_limit_refuses(build, installation: Installation) -> None:
    refusal = refused(build(Untouchable(), prompts=Screen(lambda prompt: evidence(hate=0.9))), installation)
    assert type(refusal) is PromptRefused
    assert refusal.categories == ("hate",)


def test_lower_scores_are_evidence_in_the_ledger(build, installation: Installation) -> None:
    screen = Screen(lambda prompt: evidence(hate=0.89))
    build(prompts=screen).release(Order(prompt="a lake", negative_prompt="people", seed=7))
    assert screen.seen == [("a lake", "people")]
    scores = {entry["label"]: entry["score"] for entry in last_body(installation)["prompt"]}
    assert scores["hate"] == 0.89
    assert len(scores) == 7


def test_cancelled_before_the_prompt_was_read(build, installation: Installation) -> None:
    screen = Screen()
    with pytest.raises(Cancelled):
        build(Untouchable(), prompts=screen).release(ORDER, ReleaseObserver(cancelled=lambda: True))
    assert screen.seen == []
    assert installation.ledger.verify().decisions == 0  # nobody has decided anything


def last_body(installation: Installation) -> dict:  # type: ignore[type-arg]
    from sqlalchemy import select

    from service.storage import decisions

    with installation.ledger._engine.connect() as connection:
        return json.loads(connection.execute(select(decisions).order_by(decisions.c.seq.desc())).first().body)


def test_a_refusal_says_what_and_why(build, installation: Installation) -> None:
    refused(build(checkers=[Checker(lambda images: [finding(0.75)])]), installation)
    from sqlalchemy import select

    from service.storage import decisions

    with installation.ledger._engine.connect() as connection:
        (row,) = connection.execute(select(decisions)).all()
    body = json.loads(row.body)
    assert row.kind == "refused"
    assert body["code"] == "moderation_blocked"
    assert body["stage"] == "screen"


def test_every_error_is_ours(build, installation: Installation) -> None:
    for answer in BAD_ANSWERS.values():
        with pytest.raises(Error):
            build(checkers=[Checker(answer)]).release(ORDER)


def test_is_answer_wants_findings() -> None:
    assert is_answer([finding(0.0)], 1)
    assert not is_answer([finding(0.0)], 2)
    assert not is_answer([], 1)


def test_a_marker_that_swaps_the_picture_is_refused(build, installation: Installation) -> None:
    """The mark reads back and the credential holds, but it is not the picture that was screened."""
    codec = Deaf(installation.codec)
    codec.embed = lambda rgb, mark_id: installation.codec.embed(landscape(99, 256, 256), mark_id)  # type: ignore[method-assign]
    codec.extract = installation.codec.extract  # type: ignore[method-assign]
    refusal = refused(build(codec=codec), installation)
    assert refusal.stage == "mark"
    assert "screened image" in refusal.message


def test_a_picture_too_small_for_the_mark_is_the_callers_fault(gateway: Gateway) -> None:
    with pytest.raises(BadRequest, match="too small"):
        gateway.release(Order(prompt="x", width=64, height=64))


def test_a_listed_picture_is_refused_on_its_very_pixels(build, installation: Installation) -> None:
    checker = Checker()
    gateway = build(checkers=[checker])
    drawn = gateway.release(ORDER).proven.signed.marked.cleared.draft.rgb
    installation.blocklist.add([Listed("pdq", fingerprint(drawn).bits.hex())], "ncii", "test")
    refusal = refused(gateway, installation)
    assert type(refusal) is Blocked
    assert (refusal.stage, refusal.message) == ("screen", "the picture is on the list ncii")
    assert len(checker.seen) == 1  # nobody else looks at it any more
    (decision,) = installation.ledger.decided(str(refusal.content_id))
    assert json.loads(decision.body)["code"] == "blocked"
    assert fingerprint(drawn).bits.hex() not in decision.body
    gateway.release(Order(prompt="another", seed=8))


@pytest.mark.parametrize("answer", [raising(Unavailable("the lists are gone")), lambda rgb: time.sleep(5)])
def test_lists_that_cannot_be_asked_refuse(build, installation: Installation, answer) -> None:
    class Lists:
        check_pixels = staticmethod(answer)

    refusal = refused(build(blocklist=Lists(), screen_timeout=0.2), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "screen"


def test_lists_that_lost_their_table_refuse(gateway: Gateway, installation: Installation) -> None:
    with installation.ledger.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE blocklist_revision")
    assert type(refused(gateway, installation)) is StageFailed


def test_without_a_blocklist_is_no_gateway(build) -> None:
    with pytest.raises(TypeError):
        build_gateway(Painter(), [Checker()], None, None, None, None, None)  # type: ignore[call-arg,arg-type]


class Steerable(Painter):
    """Paints unsafely until it is steered hard enough; `safe_from` is that strength."""

    most_steering = 3
    default_guidance = 5.0

    def __init__(self, safe_from: int) -> None:
        self.safe_from, self.asked = safe_from, []

    def render(self, job, on_step):  # type: ignore[no-untyped-def]
        self.asked.append(job.steering)
        return landscape(job.seed + (job.steering >= self.safe_from), job.width, job.height)


def steering(build, safe_from: int, retries: int) -> tuple[Gateway, Steerable]:
    backend = Steerable(safe_from)
    unsafe = landscape(ORDER.seed, 256, 256)
    checker = Checker(lambda images: [finding(0.9 if np.array_equal(image, unsafe) else 0.1) for image in images])
    return build(backend, [checker], safe_retries=retries), backend


def test_an_unsafe_picture_is_drawn_again_steered(build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=2, retries=2)
    released = gateway.release(ORDER)
    assert backend.asked == [0, 1, 2]
    assert released.steering == 2
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    assert json.loads(decision.body)["steering"] == 2
    assert "steered away" in summarize(released).warnings[-1]


def test_steering_ends_in_a_refusal(build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=3, retries=2)
    assert type(refused(gateway, installation)) is Unsafe
    assert backend.asked == [0, 1, 2]


def test_without_retries_the_first_picture_decides(build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=1, retries=0)
    assert type(refused(gateway, installation)) is Unsafe
    assert backend.asked == [0]


def test_a_model_that_cannot_be_steered_is_not_asked_twice(build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=1, retries=3)
    backend.most_steering = 0
    assert type(refused(gateway, installation)) is Unsafe
    assert backend.asked == [0]


def test_a_broken_checker_is_not_asked_twice(build, installation: Installation) -> None:
    backend = Steerable(1)
    assert type(refused(build(backend, [Checker(lambda images: [])], safe_retries=3), installation)) is StageFailed
    assert backend.asked == [0]


@pytest.mark.parametrize(("wanted", "refuses"), [(None, False), (1.0, False), (0.5, False), (0.4, True), (0.2, True)])
def test_an_order_may_ask_for_less_never_for_more(build, wanted: float | None, refuses: bool) -> None:
    gateway = build(checkers=[Checker(lambda images: [finding(0.45)])])
    order = ORDER.model_copy(update={"safety_threshold": wanted})
    if refuses:
        with pytest.raises(Unsafe):
            gateway.release(order)
    else:
        assert gateway.release(order)


def test_no_order_gets_past_the_operators_threshold(build) -> None:
    gateway = build(checkers=[Checker(lambda images: [finding(0.55)])])
    with pytest.raises(Unsafe):
        gateway.release(ORDER.model_copy(update={"safety_threshold": 1.0}))


def test_an_unsafe_picture_that_cannot_be_drawn_again_is_unsafe_and_no_outage(
    build, installation: Installation
) -> None:
    class Breaks(Steerable):
        def render(self, job, on_step):  # type: ignore[no-untyped-def]
            if job.steering:
                raise RuntimeError("out of memory")
            return super().render(job, on_step)

    unsafe = Checker(lambda images: [finding(0.9)])
    assert type(refused(build(Breaks(1), [unsafe], safe_retries=2), installation)) is Unsafe


def test_without_guidance_nothing_is_drawn_again(build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=1, retries=2)
    with pytest.raises(Unsafe):
        gateway.release(ORDER.model_copy(update={"guidance": 1.0}))
    assert backend.asked == [0]


class Hanging:
    """Does what `inner` does, except that one of its methods never ends until `freed` is set."""

    def __init__(self, inner: object, method: str) -> None:
        self._inner, self._method, self.freed = inner, method, threading.Event()

    def __getattr__(self, name: str) -> object:
        if name != self._method:
            return getattr(self._inner, name)
        return lambda *args: self.freed.wait(60)


@pytest.mark.parametrize(
    ("part", "method", "stage"),
    [("codec", "embed", "mark"), ("credentials", "sign", "sign"), ("codec", "extract", "mark"),
     ("credentials", "read", "prove")],
)  # fmt: skip
def test_a_finishing_stage_that_hangs_releases_nothing(
    build, installation: Installation, part: str, method: str, stage: str
) -> None:
    hanging = Hanging(getattr(installation, part), method)
    gateway = build(finish_timeout=0.5 if stage == "mark" else 3, **{part: hanging})
    with pytest.raises(StageFailed, match="no answer within") as caught:
        gateway.release(Order(prompt="a lake", seed=1))
    hanging.freed.set()
    assert caught.value.stage == stage
    audit = installation.ledger.verify()
    assert (audit.images, audit.decisions) == (0, 1)


def test_ctrl_c_is_written_down(build, installation: Installation) -> None:
    class Stopped(Painter):
        def render(self, job, on_step):  # type: ignore[no-untyped-def]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(Stopped()).release(Order(prompt="a secret lake", seed=1))
    audit = installation.ledger.verify()
    assert (audit.images, audit.decisions, audit.problems) == (0, 1, ())
    with installation.ledger.engine.connect() as connection:
        (body,) = connection.exec_driver_sql("SELECT body FROM decisions").scalars()
    assert '"code":"cancelled"' in body
    assert "secret" not in body
