"""The chain only grows: a ledger in which known decisions are missing is not the one that was opened."""

import threading

from service.storage import DecisionRepository

Head = tuple[int, str]
"""`seq` and hash of a decision."""

MISSING = "decisions that were in the ledger are missing from it"


class Continuity:
    """The newest decision that this process has seen. Thread-safe."""

    def __init__(self, head: Head) -> None:
        self._known = head
        self._lock = threading.Lock()

    @property
    def known(self) -> Head:
        return self._known

    def holds(self, head: Head, decisions: DecisionRepository) -> bool:
        """The chain whose newest decision is `head` contains the newest one that was seen before."""
        return contains(self._known, head, decisions)

    def note(self, head: Head) -> None:
        """A decision was committed, or read."""
        with self._lock:
            self._known = max(self._known, head)


def contains(known: Head, head: Head, decisions: DecisionRepository) -> bool:
    """`known` is a decision of the chain that ends with `head`. Asks the database only if it is an older one."""
    seq, hash_ = known
    if seq == 0 or known == head:
        return True
    return seq < head[0] and decisions.hash_of(seq) == hash_
