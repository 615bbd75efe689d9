"""Every refusal is recorded in the ledger."""

import contextlib
from collections.abc import Callable, Iterator

import structlog

from service.access.client import Client
from service.gateway import records
from service.generation import Backend
from service.kit.errors import Cancelled, Error, Refusal
from service.kit.metrics import REFUSALS
from service.ledger.ledger import Ledger

log = structlog.get_logger()

_NOTHING_SPENT = ("admit", "wait")


class RefusalRecorder:
    """Records what was refused or broken off. Thread-safe."""

    def __init__(self, ledger: Ledger, backend: Backend, digest_prompt: Callable[[str], str]) -> None:
        self._ledger = ledger
        self._backend = backend
        self._digest_prompt = digest_prompt

    @contextlib.contextmanager
    def recorded(self, content_id: str, prompt: str, client: Client) -> Iterator[None]:
        """Record whatever is refused inside the block.

        Orders that were cancelled before they cost anything are not: ordering and hanging up would fill the ledger.

        Raises:
            Refusal: the one raised inside, with `content_id`, which an appeal can name.
        """
        try:
            yield
        except Refusal as refusal:
            if isinstance(refusal, Cancelled) and refusal.stage in _NOTHING_SPENT:
                raise
            self._record(content_id, prompt, refusal, client)
            raise refusal.amended(content_id=content_id) from refusal
        except KeyboardInterrupt:  # Ctrl-C ends the process, but what was asked stays on record
            stopped = Cancelled("the process was told to stop", stage="release")
            self._record(content_id, prompt, stopped, client)
            raise

    def _record(self, content_id: str, prompt: str, refusal: Refusal, client: Client) -> None:
        """A ledger that cannot be written changes nothing: the image is refused all the same."""
        content = records.refused(refusal, client, self._backend.identity.digest, self._digest_prompt(prompt))
        REFUSALS.labels(refusal.stage, refusal.code).inc()
        log.warning("refused", content_id=content_id, code=refusal.code, stage=refusal.stage)
        try:
            self._ledger.refuse(content_id, content)
        except Error as fault:
            log.error("refusal_not_recorded", content_id=content_id, code=fault.code)
