"""Keeping an image for a client who is not waiting for it."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the stages import this module
    from service.gateway.stages.types import Proven
    from service.ledger.ledger import Transaction


class ResultKeeper(Protocol):
    """Stores a finished file before it is issued, and says so in the transaction that issues it.

    So a process that dies at any point leaves either no issued image, or one whose file is there.
    """

    def store(self, proven: "Proven", sha256: str) -> None:
        """Put the file on the disk. Nobody may be given it before `record` was committed. Whatever it raises, nothing
        is issued."""

    def record(self, transaction: "Transaction", content_id: str) -> None:
        """In the transaction that issues the image: the file that was stored is the result. Raises a Refusal if the
        image must not be issued any more."""
