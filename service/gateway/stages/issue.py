"""Issue: the image and the decision to release it are recorded, and witnessed if required; only then may it leave."""

import hashlib
from collections.abc import Callable
from functools import partial

import structlog

from service.access import tenants
from service.adapters.registry import Adapters
from service.gateway import records
from service.gateway.execution import ReleaseObserver, stage
from service.gateway.result_keeper import ResultKeeper
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.types import Admitted, Proven, Released
from service.generation.energy import JOULES_PER_WATT_HOUR
from service.kit.errors import Cancelled
from service.kit.metrics import ENERGY, RELEASED
from service.ledger.ledger import Ledger, Transaction
from service.ledger.publisher import CheckpointPublisher
from service.likeness.grants import Grants

log = structlog.get_logger()

_released = claim_constructor(Released)

HandOver = Callable[[Transaction, str], None]
"""Marks a held image as handed over, in the transaction that issues it. Raises Gone."""


class IssueStage:
    """Proven -> Released."""

    def __init__(
        self,
        ledger: Ledger,
        publisher: CheckpointPublisher,
        grants: Grants,
        adapters: Adapters,
        digest_prompt: Callable[[str], str],
        hand_over: HandOver,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._grants = grants
        self._adapters = adapters
        self._digest_prompt = digest_prompt
        self._hand_over = hand_over

    def check(self) -> None:
        """Before an order costs anything: would its record be taken?

        Raises:
            CheckpointNotTaken: a required sink does not answer, or the ledger contradicts what a sink has.
        """
        self._publisher.check()

    def __call__(self, proven: Proven, observer: ReleaseObserver, keeper: ResultKeeper | None = None) -> Released:
        """Record the image and the decision to release it, in one transaction; then have its checkpoint taken.

        Raises:
            Refusal: the caller cancelled, lost its key, a grant or adapter was withdrawn meanwhile, the ledger cannot
                be written, or a required sink did not take its checkpoint.
        """
        signed = require_sealed(proven, Proven).signed
        admitted = signed.marked.cleared.draft.admitted
        sha256 = hashlib.sha256(signed.data).hexdigest()
        with stage("issue", observer):
            row = records.row(signed, sha256, self._digest_prompt(admitted.job.prompt))
            if keeper:
                keeper.store(proven, sha256)
            check = partial(self._check_still_allowed, admitted=admitted, observer=observer, keeper=keeper)
            decision = self._ledger.issue(row, records.issued(proven), check, records.manifest_id(signed))
            proof = self._publisher.prove_released(decision)
        log.info("released", content_id=admitted.content_id, sha256=sha256, model=admitted.model.name)
        RELEASED.inc()
        if (energy := signed.marked.cleared.draft.energy) and energy.watt_hours is not None:
            ENERGY.inc(energy.watt_hours * JOULES_PER_WATT_HOUR)
        return _released(proven, sha256, decision.hash, str(proof))

    def _check_still_allowed(
        self, transaction: Transaction, admitted: Admitted, observer: ReleaseObserver, keeper: ResultKeeper | None
    ) -> None:
        """In the transaction that issues the image: what allowed it at the start still holds."""
        if observer.cancelled():  # the transaction may have waited for others
            raise Cancelled("the caller cancelled the request", stage="issue")
        tenants.check_active(transaction, admitted.client)
        self._adapters.check_still_listed(transaction, admitted.adapters)
        self._grants.record_uses(transaction, [grant.id for grant in admitted.grants], admitted.content_id)
        if admitted.review:
            self._hand_over(transaction, admitted.content_id)
        if keeper:
            keeper.record(transaction, admitted.content_id)
