"""The unit of work: what is written, and the decision that it was written for, are stored together or not at all."""

import contextlib
from collections.abc import Iterator, Mapping

from service.kit.clock import utc_now
from service.ledger.chain import entry, link
from service.ledger.continuity import MISSING, Continuity
from service.ledger.tree import append
from service.storage import Database, Decision, Kind, Repositories, Session


class Transaction(Repositories):
    """The repositories of one transaction, and the content of the decision that ends it.

    The transaction holds the writers' lock from its start. So what it reads still holds when it is committed, and it
    never has to be retried.
    """

    def __init__(self, session: Session, kind: Kind, subject: str) -> None:
        super().__init__(session)
        self._kind = kind
        self._subject = subject
        self._content: Mapping[str, object] | None = None
        self._decision: Decision | None = None

    def record(self, **content: object) -> None:
        """Set the content of the decision: JSON values, digests instead of personal data.

        Raises RuntimeError when it is called again: a decision has one content.
        """
        if self._content is not None:
            raise RuntimeError("the content of this decision is set already")
        self._content = content

    @property
    def decision(self) -> Decision:
        """The decision that was stored. Raises RuntimeError before the transaction has ended."""
        if self._decision is None:
            raise RuntimeError("the decision is stored at the end of its transaction")
        return self._decision

    def _append(self, database: Database, continuity: Continuity) -> Decision:
        if self._content is None:
            raise RuntimeError("a decision without content: call `record` in its transaction")
        last = self.decisions.last()
        if not continuity.holds((last.seq, last.hash) if last else (0, ""), self.decisions):
            database.abandon(MISSING)
        decision = link(last, at=utc_now(), kind=self._kind, subject=self._subject, content=self._content)
        self.decisions.append(decision)
        append(self.merkle, decision.seq - 1, entry(decision))
        return decision

    @classmethod
    @contextlib.contextmanager
    def open(cls, database: Database, continuity: Continuity, kind: Kind, subject: str) -> Iterator["Transaction"]:
        """Begin, and at the end append the decision and commit; if anything raises, nothing is stored."""
        with database.write() as session:
            transaction = cls(session, kind, subject)
            yield transaction
            decision = transaction._append(database, continuity)
        continuity.note((decision.seq, decision.hash))
        transaction._decision = decision
