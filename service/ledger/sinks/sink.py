"""What a sink does, and how it says that it did not."""

from collections.abc import Sequence
from typing import Protocol

from service.ledger.checkpoints import Checkpoint
from service.ledger.notes import SignatureLine
from service.ledger.transparency import TransparencyLog


class NotTaken(Exception):
    """The sink did not take a checkpoint. The message says why; it holds no address and nothing personal."""


class Contradiction(NotTaken):
    """The sink has a checkpoint that this log does not continue: decisions were cut off or rewritten.

    `proved`: that checkpoint is signed with this log's own key, so it is not the sink's word alone.
    """

    def __init__(self, message: str, *, proved: bool) -> None:
        super().__init__(message)
        self.proved = proved


class Ahead(Exception):
    """The sink has a checkpoint of `size` decisions, more than the given one has. `proved`: see Contradiction."""

    def __init__(self, size: int, *, proved: bool) -> None:
        super().__init__(f"the sink has a checkpoint of {size} decisions")
        self.size = size
        self.proved = proved


class CheckpointSink(Protocol):
    """A place that keeps checkpoints. Safe to share between threads."""

    @property
    def name(self) -> str:
        """For logs and messages."""

    @property
    def confirms(self) -> bool:
        """When `take` returns, the sink has the checkpoint for good. False: it was sent, and nobody answered."""

    def take(self, checkpoint: Checkpoint, log: TransparencyLog) -> Sequence[SignatureLine]:
        """Keep a checkpoint of `log`. Returns cosignatures, if the sink gives any.

        Raises:
            NotTaken, Contradiction, Ahead: it did not.
        """

    def close(self) -> None:
        """Close its connections. It may be used again."""
