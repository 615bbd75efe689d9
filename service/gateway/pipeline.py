"""The gateway: an Order becomes a Released image, or a Refusal. Nothing else comes out.

    Order -> admit -> render -> screen -> mark -> sign -> prove -> issue -> Released

Each stage takes the one before and is the only maker of its own type. Every stage fails closed: a missing
model, an exception, NaN, a timeout or a wrong count is a Refusal with a code, a decision in the ledger and
no pixels.
"""

import contextlib
import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import add

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Connection

from detectors import fingerprint
from service.access import tenants
from service.access.client import OPERATOR, Client
from service.adapters.registry import Adapters
from service.gateway import records
from service.gateway.admission import Admission, Screen
from service.gateway.execution import UNOBSERVED, ReleaseObserver, expect, stage
from service.gateway.held_draft import HeldDraft
from service.gateway.options import GatewayOptions
from service.gateway.order import Order
from service.gateway.review_queue import ReviewQueue
from service.gateway.screening import Checker, Screening, ScreeningCriteria
from service.gateway.stages import (
    Admitted,
    Cleared,
    Draft,
    Imprint,
    Marked,
    Proven,
    Released,
    Review,
    Signed,
    claim_constructor,
    require_sealed,
)
from service.generation import Backend, Energy, Progress
from service.generation.upscale import Upscaling
from service.kit.deadline import Running, within
from service.kit.errors import (
    Blocked,
    Busy,
    Cancelled,
    Error,
    LikenessHeld,
    LikenessRefused,
    NotFound,
    Refusal,
    StageFailed,
    Unavailable,
    Unmarkable,
    Unsafe,
)
from service.ledger.ledger import Ledger
from service.likeness.checks import Likeness
from service.media.pictures import ImageLimits, decode, encode, frozen
from service.moderation.blocklist import Blocklist
from watermark import Codec
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.manifest import soft_binding_value
from watermark.errors import WatermarkNotReadable

log = structlog.get_logger()

_admitted = claim_constructor(Admitted)
_draft = claim_constructor(Draft)
_cleared = claim_constructor(Cleared)
_marked = claim_constructor(Marked)
_signed = claim_constructor(Signed)
_proven = claim_constructor(Proven)
_released = claim_constructor(Released)

# The finished file must show the screened picture: a mark (36 dB or better) and a lossy format at quality 92 stay
# above this together, another picture never does.
_LEAST_PSNR = 28.0
_UNDRAWN = ("admit", "wait")
_OWN_FILE = ImageLimits(max_bytes=1 << 30, max_pixels=1 << 28)


class Gateway:
    """One pipeline and everything an image must pass. Thread-safe."""

    def __init__(
        self,
        backend: Backend,
        prompts: Screen,
        checkers: Sequence[Checker],
        codec: Codec,
        credentials: Credentials,
        ledger: Ledger,
        rules: GatewayOptions,
        digest_prompt: Callable[[str], str],
        blocklist: Blocklist,
        likeness: Likeness,
        adapters: Adapters,
        review_queue: ReviewQueue | None = None,
    ) -> None:
        """`review_queue`: keeps pictures for an operator to look at; None: none is kept.

        Raises ValueError without checkers: an empty list would pass everything.
        """
        self.screening = Screening(checkers, blocklist, likeness, rules.screen_timeout)
        self.backend = Upscaling(backend)  # here, so that no backend can overlook what the manifest will say
        self._admission = Admission(self.backend, prompts, self.screening, likeness, adapters, rules)
        self._codec = codec
        self._credentials = credentials
        self._ledger = ledger
        self._rules = rules
        self._digest_prompt = digest_prompt
        self._likeness = likeness
        self._adapters = adapters
        self._review_queue = review_queue

    def release(self, order: Order, observer: ReleaseObserver = UNOBSERVED, client: Client = OPERATOR) -> Released:
        """The whole way of one order of `client`.

        Raises:
            InputError: a picture sent in cannot be read, or the pipeline cannot do what is asked; nothing was drawn.
            Busy: too many pictures wait already, or this one waited too long; nothing was drawn.
            Refusal: a stage said no; the decision is in the ledger, no pixels leave.
        """
        self.backend.check_room()  # decoding and screening what finds no place would cost more than drawing it
        content_id = uuid.uuid4().urn
        with self._recorded(content_id, order.prompt, client):
            admitted = self._admit(order, content_id, observer, client)
            return self._finish(self._drawn(admitted, observer), observer)

    def hand_over(self, content_id: str, observer: ReleaseObserver = UNOBSERVED, client: Client = OPERATOR) -> Released:
        """A held picture that an operator released: its very pixels, through every stage but the drawing.

        Order and picture are checked again as if it had just been drawn, against what holds now. It is only not held
        again for the subjects for whom the operator has looked. Whoever is surely shown refuses it all the same.

        Raises:
            NotFound, Gone, BadRequest, Misconfigured, Unavailable: nothing to hand over; see `ReviewQueue.reviewed`.
            InputError, Refusal: as `release`. What is unsafe, blocked or surely somebody is shredded.
        """
        if self._review_queue is None:
            raise NotFound("no pictures are kept here")
        kept, review = self._review_queue.reviewed(content_id, client.name)
        if kept.model != self.backend.identity:  # what it says of the picture is known of its own model alone
            raise Unavailable(f"{kept.model.name} drew the picture, and is not the model here", hint="Ask again later.")
        try:
            with self._recorded(content_id, kept.order.prompt, client):
                admitted = self._admit(kept.order, content_id, observer, client, kept, review)
                if _adapters(admitted) != kept.adapters:  # a name may have got another file since
                    raise Unavailable("it was drawn with an adapter that is another now", hint="Order another picture.")
                draft = _draft(admitted, frozen(kept.rgb), kept.steering, kept.energy)
                released = self._finish(self._screen(draft, observer), observer)
        except (Unsafe, Blocked, LikenessRefused) as final:
            with contextlib.suppress(Error):  # the refusal counts; what could not be shredded now expires
                self._review_queue.drop(content_id, final.code)
            raise
        self._review_queue.shred(content_id)
        return released

    def _finish(self, cleared: Cleared, observer: ReleaseObserver) -> Released:
        marked = self._mark(cleared, observer)
        signed = self._sign(marked, observer)
        proven = self._prove(signed, observer)
        return self._issue(proven, observer)

    def _admit(
        self,
        order: Order,
        content_id: str,
        observer: ReleaseObserver,
        client: Client,
        kept: HeldDraft | None = None,
        review: Review | None = None,
    ) -> Admitted:
        """`kept` and `review`: of a picture that was drawn and held before."""
        entry = self._admission.entry(order, client, observer)
        return _admitted(
            job=entry.job,
            format=entry.order.format,
            model=self.backend.identity,
            content_id=content_id,
            mark_id=self._ledger.fresh_mark_id(),
            created_at=kept.drawn_at if kept else dt.datetime.now(dt.UTC),
            warnings=entry.warnings,
            prompt_findings=entry.prompt_findings,
            grants=entry.grants,
            adapters=entry.adapters,
            safety_threshold=entry.threshold,
            client=client,
            order=entry.order,
            given=entry.given,
            review=review,
        )

    def _drawn(self, admitted: Admitted, observer: ReleaseObserver) -> Cleared:
        """Render and screen. A prompt that asks for nothing unsafe can still give it (a "beautiful woman" naked): then
        the picture is drawn again, steered away from that, before it is refused."""
        spent: list[Energy] = []
        try:
            return self._screen(self._render(admitted, 0, observer, spent), observer)
        except Unsafe as unsafe:
            first = unsafe.with_traceback(None)  # which holds the draft
        guided = admitted.job.guidance > 1  # without guidance there is nothing to steer
        for steering in range(1, min(self._rules.safe_retries, self.backend.most_steering) * guided + 1):
            log.info("steered", content_id=admitted.content_id, steering=steering)
            try:
                return self._screen(self._render(admitted, steering, observer, spent), observer)
            except Unsafe:
                continue
            except Cancelled as cancelled:
                cancelled.stage = "render"  # also where it waited: it was drawn before
                raise
            except (StageFailed, Busy):  # what is wrong is the picture, not that another could not be drawn
                break
        raise first

    def _render(self, admitted: Admitted, steering: int, observer: ReleaseObserver, spent: list[Energy]) -> Draft:
        job = replace(require_sealed(admitted, Admitted).job, steering=steering)
        seconds = self._rules.render_timeout
        progress = Progress(seconds, observer.on_step, observer.on_wait, observer.cancelled)
        with stage("render", observer):
            rgb = within(seconds, lambda: self.backend.render(job, progress), progress.left)
            expect(rgb.dtype == np.uint8, "the backend gave pixels that are not 8-bit")
            expect(rgb.shape == (job.height, job.width, 3), f"the backend gave pixels of shape {rgb.shape}")
            spent += [progress.energy] if progress.energy else []
            return _draft(admitted, frozen(rgb), steering, reduce(add, spent) if spent else None)

    def _screen(self, draft: Draft, observer: ReleaseObserver) -> Cleared:
        admitted = require_sealed(draft, Draft).admitted
        with stage("screen", observer):
            excluded = [one.excluded for one in admitted.adapters if one.excluded]
            granted = {grant.subject for grant in admitted.grants}
            reviewed = admitted.review.subjects if admitted.review else ()
            criteria = ScreeningCriteria(
                granted, admitted.safety_threshold, admitted.client.review_distance, reviewed, excluded
            )
            marking = Running(partial(self._imprint, draft))  # beside the checks; thrown away if one of them refuses
            try:
                return _cleared(draft, self.screening.drawn(draft.rgb, criteria), marking)
            except LikenessHeld as held:
                self._keep(draft, held)
                raise

    def _keep(self, draft: Draft, held: LikenessHeld) -> None:
        """Let an operator look at it, where that is switched on. It is refused all the same, whatever happens here."""
        admitted = draft.admitted
        if self._review_queue is None or not held.subjects:  # for faces of an adapter's samples nobody can be asked
            return
        kept = HeldDraft(
            admitted.order,
            admitted.model,
            admitted.created_at,
            draft.steering,
            draft.energy,
            draft.rgb,
            _adapters(admitted),
        )
        keep = self._review_queue.again if admitted.review else self._review_queue.keep
        try:
            until = keep(admitted.content_id, admitted.client.name, held.subjects, kept)
        except (Error, OSError) as fault:
            log.error("held_not_kept", content_id=admitted.content_id, error=type(fault).__name__)
            return
        if until:
            held.hint = (
                f"It may be a protected person. It is kept until {until} for the operator to look at: ask GET "
                f"/v1/images/held/{admitted.content_id} (or `countermark held fetch`) later, or order another picture."
            )

    def _imprint(self, draft: Draft) -> Imprint:
        """Mark and encode the draft, and read the file as a stranger would: its pixels, and the mark in them."""
        mark_id = draft.admitted.mark_id
        marked = frozen(self._codec.embed(draft.rgb, mark_id))
        data, mime = encode(marked, draft.admitted.format)
        shown = decode(data, _OWN_FILE).rgb
        # The draft, not the marked pixels: the marker is not above suspicion.
        expect(_psnr(shown, draft.rgb) >= _LEAST_PSNR, "the file does not show the screened picture")
        reading = self._codec.extract(shown)
        if reading is None or reading.mark_id != mark_id:
            raise StageFailed("the mark does not read back from the file", stage="mark")
        return Imprint(data, mime, fingerprint(marked), shown, reading.confidence)

    def _mark(self, cleared: Cleared, observer: ReleaseObserver) -> Marked:
        marking = require_sealed(cleared, Cleared).marking
        with stage("mark", observer):
            try:
                return _marked(cleared, marking.result(self._rules.finish_timeout))
            except WatermarkNotReadable as unreadable:
                raise Unmarkable(str(unreadable), stage="mark") from unreadable

    def _sign(self, marked: Marked, observer: ReleaseObserver) -> Signed:
        draft, plain = require_sealed(marked, Marked).cleared.draft, marked.imprint
        with stage("sign", observer):
            statement = records.statement(draft, self._rules, self.backend.default_size)
            sign = partial(self._credentials.sign, plain.data, plain.mime, statement)
            signed = within(self._rules.finish_timeout, sign)
            return _signed(marked, signed.data, plain.mime, signed.manifest)

    def _prove(self, signed: Signed, observer: ReleaseObserver) -> Proven:
        with stage("prove", observer):
            within(self._rules.finish_timeout, partial(self._read_back, require_sealed(signed, Signed)))
            return _proven(signed)

    def _read_back(self, signed: Signed) -> None:
        """Read the finished file as a stranger would: the very pixels in which the mark was read, and a credential
        that holds and names that mark."""
        draft, imprint = signed.marked.cleared.draft, signed.marked.imprint
        validation = Running(partial(self._credentials.read, signed.data, signed.mime))  # beside the pixels
        shown = decode(signed.data, _OWN_FILE).rgb
        expect(np.array_equal(shown, imprint.rgb), "the signed file does not show the marked picture")
        credential = validation.result(self._rules.finish_timeout)
        expect(
            credential.state in ("trusted", "valid_untrusted"),
            f"the credential does not read back: {'; '.join(credential.failures) or credential.state}",
        )
        bound = [binding.value for binding in credential.soft_bindings]
        expect(bound == [soft_binding_value(draft.admitted.mark_id)], "the credential names another mark")

    def _issue(self, proven: Proven, observer: ReleaseObserver) -> Released:
        signed = require_sealed(proven, Proven).signed
        admitted = signed.marked.cleared.draft.admitted
        sha256 = hashlib.sha256(signed.data).hexdigest()
        with stage("issue", observer):
            row = records.row(signed, sha256, self._digest_prompt(admitted.job.prompt))
            decision = self._ledger.issue(
                row, records.issued(proven), partial(self._at_issue, admitted=admitted, observer=observer)
            )
        log.info("released", content_id=admitted.content_id, sha256=sha256, model=admitted.model.name)
        return _released(proven, sha256, decision.hash)

    def _at_issue(self, connection: Connection, admitted: Admitted, observer: ReleaseObserver) -> None:
        """In the transaction that issues the image: who asked is there, and may, and what was used still holds."""
        if observer.cancelled():  # writing may have waited for others
            raise Cancelled("the caller cancelled the request", stage="issue")
        tenants.check_here(connection, admitted.client)
        self._adapters.check_here(connection, admitted.adapters)
        numbers = [grant.id for grant in admitted.grants]
        self._likeness.consent.grants.using(connection, numbers, admitted.content_id)
        if admitted.review and self._review_queue:
            self._review_queue.handing_over(connection, admitted.content_id)

    @contextlib.contextmanager
    def _recorded(self, content_id: str, prompt: str, client: Client) -> Iterator[None]:
        """Write down whatever is refused or broken off within, but for orders that were taken back before they cost
        anything: whoever orders and hangs up would write the ledger full."""
        try:
            yield
        except Cancelled as cancelled:
            if cancelled.stage not in _UNDRAWN:
                cancelled.content_id = content_id
                self._record(content_id, prompt, cancelled, client)
            raise
        except Refusal as refusal:
            refusal.content_id = content_id
            self._record(content_id, prompt, refusal, client)
            raise
        except KeyboardInterrupt:  # Ctrl-C ends the process, not the record of what was asked
            stopped = Cancelled("the process was told to stop", stage="release")
            self._record(content_id, prompt, stopped, client)
            raise

    def _record(self, content_id: str, prompt: str, refusal: Refusal, client: Client) -> None:
        """Write the refusal down. A ledger that is down changes nothing: the image is refused all the same."""
        content = records.refused(refusal, client, self.backend.identity.digest, self._digest_prompt(prompt))
        log.warning("refused", content_id=content_id, code=refusal.code, stage=refusal.stage)
        try:
            self._ledger.refuse(content_id, content)
        except Error as fault:
            log.error("refusal_not_recorded", content_id=content_id, code=fault.code)


def _adapters(admitted: Admitted) -> tuple[tuple[str, str], ...]:
    """Name and digest of all that was put on the model."""
    named = tuple((adapter.name, adapter.digest) for adapter in admitted.job.adapters)
    after = admitted.job.references
    return (*named, ("", after.digest)) if after else named


def _psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB; -inf for pictures of different shapes."""
    if a.shape != b.shape:
        return -np.inf
    error = float(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2))
    return np.inf if error == 0 else 10 * float(np.log10(255**2 / error))
