"""The gateway: an Order becomes a Released image, or a Refusal. Nothing else comes out.

    Order -> admit -> render -> screen -> mark -> sign -> prove -> issue -> Released

Each stage takes what the one before made, and only that stage can make its own type. Every stage fails closed: a
missing model, an exception, NaN, a timeout or a wrong count is a Refusal with a code, a decision in the ledger and no
pixels. An unsafe image may be rendered and screened again, steered away from what made it unsafe.
"""

import uuid
from dataclasses import dataclass

from service.access.client import OPERATOR, Client
from service.gateway.execution import UNOBSERVED, ReleaseObserver
from service.gateway.order import Order
from service.gateway.recording import RefusalRecorder
from service.gateway.result_keeper import ResultKeeper
from service.gateway.review import DraftReview
from service.gateway.screening import Screening
from service.gateway.stages import (
    AdmitStage,
    Cleared,
    IssueStage,
    MarkStage,
    ProveStage,
    Released,
    RenderStage,
    ScreenStage,
    SignStage,
)
from service.gateway.steering import Steering
from service.generation.upscale import Upscaling


@dataclass(frozen=True, slots=True)
class Gateway:
    """One model and everything an image must pass. Thread-safe. `assembly.build_gateway` puts it together."""

    backend: Upscaling
    screening: Screening
    admit: AdmitStage
    render: RenderStage
    screen: ScreenStage
    steering: Steering
    mark: MarkStage
    sign: SignStage
    prove: ProveStage
    issue: IssueStage
    recorder: RefusalRecorder
    review: DraftReview

    def release(
        self,
        order: Order,
        observer: ReleaseObserver = UNOBSERVED,
        client: Client = OPERATOR,
        keeper: ResultKeeper | None = None,
    ) -> Released:
        """Take one order of `client` through every stage. `keeper`: keeps the image if nobody waits for it.

        Raises:
            InputError: an input image cannot be read, or the model cannot generate what is asked.
            Busy: the queue is full, or the order waited too long; nothing was generated.
            Refusal: a stage refused; the decision is in the ledger, no pixels leave.
        """
        self.backend.check_room()  # before the work of checking an order that would find the queue full
        content_id = uuid.uuid4().urn
        with self.recorder.recorded(content_id, order.prompt, client):
            self.issue.check()
            admitted = self.admit(order, content_id, client, observer)
            cleared = self.steering.generate(admitted, observer)
            return self._finish(cleared, observer, keeper)

    def hand_over(self, content_id: str, observer: ReleaseObserver = UNOBSERVED, client: Client = OPERATOR) -> Released:
        """Take a held image that an operator released through every stage but rendering.

        Order and pixels are checked against today's rules. The image is not held again for the subjects that the
        operator reviewed it for; if it clearly shows a protected person, it is refused all the same.

        Raises:
            NotFound, Gone, BadRequest, Misconfigured, Unavailable: nothing to hand over; see `ReviewQueue.reviewed`.
            InputError, Refusal: as `release`. An image refused for what it shows is deleted.
        """
        with (
            self.review.taken_up(content_id, client) as (held, review),
            self.recorder.recorded(content_id, held.order.prompt, client),
        ):
            self.issue.check()
            admitted = self.admit.again(held, review, content_id, client, observer)
            cleared = self.screen(self.render.resume(admitted, held), observer)
            return self._finish(cleared, observer)

    def _finish(self, cleared: Cleared, observer: ReleaseObserver, keeper: ResultKeeper | None = None) -> Released:
        marked = self.mark(cleared, observer)
        signed = self.sign(marked, observer)
        proven = self.prove(signed, observer)
        return self.issue(proven, observer, keeper)
