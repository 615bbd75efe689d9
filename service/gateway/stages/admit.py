"""Admit: may this order be generated, and as what?"""

import datetime as dt

from service.access.client import Client
from service.gateway.admission import Admission
from service.gateway.execution import ReleaseObserver
from service.gateway.held_draft import HeldDraft
from service.gateway.order import Order
from service.gateway.stages.sealing import claim_constructor
from service.gateway.stages.types import Admitted, Review
from service.generation import Backend
from service.ledger.ledger import Ledger

_admitted = claim_constructor(Admitted)


class AdmitStage:
    """Order -> Admitted."""

    def __init__(self, admission: Admission, backend: Backend, ledger: Ledger) -> None:
        self._admission = admission
        self._backend = backend
        self._ledger = ledger

    def __call__(self, order: Order, content_id: str, client: Client, observer: ReleaseObserver) -> Admitted:
        """The order of `client` with every default filled in and a fresh watermark id.

        Raises:
            InputError: an input image cannot be read, or the model cannot generate what is asked.
            Busy: too many orders with input images are being checked.
            Refusal: the order must not be generated.
        """
        return self._admit(order, content_id, client, observer, dt.datetime.now(dt.UTC))

    def again(
        self, held: HeldDraft, review: Review, content_id: str, client: Client, observer: ReleaseObserver
    ) -> Admitted:
        """The order of a held image that an operator has reviewed, checked against today's rules. Raises as a call."""
        return self._admit(held.order, content_id, client, observer, held.generated_at, review)

    def _admit(
        self,
        order: Order,
        content_id: str,
        client: Client,
        observer: ReleaseObserver,
        created_at: dt.datetime,
        review: Review | None = None,
    ) -> Admitted:
        admitted = self._admission.check(order, client, observer)
        return _admitted(
            job=admitted.job,
            format=admitted.order.format,
            model=self._backend.identity,
            content_id=content_id,
            mark_id=self._ledger.fresh_mark_id(),
            created_at=created_at,
            warnings=admitted.warnings,
            prompt_findings=admitted.prompt_findings,
            grants=admitted.grants,
            adapters=admitted.adapters,
            safety_threshold=admitted.threshold,
            client=client,
            order=admitted.order,
            inputs=admitted.inputs,
            review=review,
        )
