"""The ledger: every issued image, and every decision, as a hash chain.

A row is committed, and on the disk, before `issue` returns; only then may bytes leave. So a crash can leave a row whose
image nobody received, but never an image without its row.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import structlog

from service.kit.errors import Error, Unavailable
from service.ledger.audit import ChainAudit, audit
from service.ledger.chain import image_digest
from service.ledger.continuity import MISSING, Continuity, Head, contains
from service.ledger.issued_edit import IssuedEdit, edit_in
from service.ledger.merkle import TreeHead
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import Snapshot, hash_index
from service.ledger.transaction import Transaction
from service.storage import Database, Decision, Issue, Kind, LedgerIdentity, OnProgress, Repositories

__all__ = ["ChainAudit", "Issue", "Ledger", "Transaction"]

log = structlog.get_logger()

MARK_BITS = 48


class Ledger:
    """Issued images and the decision chain in one database. Safe to share between threads and processes.

    All that is stored is read and written through here: with `decision` what a decision is about, with `read` what was
    written before, and with `write` the few things that nobody decides.
    """

    def __init__(self, database: Database, head: Head = (0, "")) -> None:
        """The chain contains the decision `head` and may only grow."""
        self._database = database
        self._issued = hash_index()
        self._continuity = Continuity(head)
        self._unrecorded = 0

    @classmethod
    def open(cls, location: str | Path) -> "Ledger":
        """Open a database URL or an SQLite file, and create or upgrade its schema. Raises as `Database.open`."""
        database = Database.open(location)
        with database.read() as session:
            return cls(database, Repositories(session).decisions.head())

    def close(self) -> None:
        self._database.close()

    def decision(self, kind: Kind, subject: str) -> AbstractContextManager[Transaction]:
        """A transaction that ends with a decision about `subject`.

            with ledger.decision("blocklist", name) as transaction:
                added = transaction.blocklist.add(hashes, name, source, now, active=True)
                transaction.record(action="add", added=added)

        If the block raises, nothing is stored. Afterwards `transaction.decision` is the stored decision.

        Raises:
            Unavailable: it could not be stored (a row contradicts it, the disk is full, the database is gone).
        """
        return Transaction.open(self._database, self._continuity, kind, subject)

    @contextlib.contextmanager
    def read(self) -> Iterator[Repositories]:
        """Everything that is stored, as of one moment. Raises Unavailable where the database does not answer."""
        with self._database.read() as session:
            yield Repositories(session)

    @contextlib.contextmanager
    def write(self) -> Iterator[Repositories]:
        """A transaction without a decision, for rows that no decision is about. Raises Unavailable as `decision`."""
        with self._database.write() as session:
            yield Repositories(session)

    def scrub(self) -> None:
        """Remove the traces of deleted rows from the disk, as far as the database can.

        Raises:
            Unavailable: the rows are deleted, but a reader or the disk kept the traces from being removed.
        """
        self._database.scrub()

    def issue(
        self,
        image: Issue,
        content: Mapping[str, object],
        also: Callable[[Transaction], None] | None = None,
        manifest_id: str | None = None,
    ) -> Decision:
        """Store an image's row and the decision to release it. `also` checks and writes in the same transaction, before
        the row; if it raises, nothing is stored. `manifest_id`: the identifier of its manifest.

        Raises:
            Unavailable: the row could not be stored (its mark id is taken, the disk is full, the database is gone).
        """
        with self.decision("issued", image.content_id) as transaction:
            if transaction.images.by_mark(image.mark_id) is not None:
                raise Unavailable("the mark id has been taken by another image")
            if also:
                also(transaction)
            number = transaction.images.add(image)
            if manifest_id:
                transaction.images.name_manifest(number, manifest_id)
            transaction.record(**content, record=image_digest(image))
        return transaction.decision

    def latest(self, most: int, before: int | None = None) -> list[Decision]:
        """The newest decisions, newest first; `before`: of those with a lower number. Raises Unavailable as `read`."""
        with self.read() as stored:
            return stored.decisions.latest(most, before)

    def refuse(self, subject: str, content: Mapping[str, object]) -> Decision:
        """Store the decision not to release an image. Raises Unavailable as `decision`; this is counted."""
        try:
            return self.record("refused", subject, content)
        except Error as fault:
            self._unrecorded += 1
            log.error("refusal_unrecorded", content_id=subject, code=fault.code, count=self._unrecorded)
            raise

    @property
    def unrecorded_refusals(self) -> int:
        """Refusals of this process that could not be stored. Nothing was released for them."""
        return self._unrecorded

    def record(self, kind: Kind, subject: str, content: Mapping[str, object]) -> Decision:
        """Store a decision that changes no row. Raises Unavailable as `decision`."""
        with self.decision(kind, subject) as transaction:
            transaction.record(**content)
        return transaction.decision

    def fresh_mark_id(self) -> int:
        """A random 48-bit id that no image has yet."""
        while True:
            candidate = secrets.randbits(MARK_BITS)
            if self.by_mark(candidate) is None:
                return candidate

    def decided(self, subject: str) -> tuple[Decision, ...]:
        """Every decision about `subject`, in order."""
        with self.read() as stored:
            return stored.decisions.about(subject)

    def by_mark(self, mark_id: int) -> Issue | None:
        """The image that was issued with this mark."""
        with self.read() as stored:
            return stored.images.by_mark(mark_id)

    def by_sha256(self, sha256: str) -> Issue | None:
        """The image that was issued as exactly this file."""
        with self.read() as stored:
            return stored.images.by_sha256(sha256)

    def by_content_id(self, content_id: str) -> Issue | None:
        """The image with this content id (urn:uuid)."""
        with self.read() as stored:
            return stored.images.by_content_id(content_id)

    def by_manifest(self, manifest_id: str) -> Issue | None:
        """The image whose active manifest has this identifier (urn:c2pa:...)."""
        with self.read() as stored:
            return stored.images.by_manifest(manifest_id)

    def edit_of(self, content_id: str) -> IssuedEdit | None:
        """What an issued image changed of an input image; None if it is no edit."""
        with self.read() as stored:
            released = stored.decisions.about(content_id, "issued")
        return next((edit for one in released if (edit := edit_in(one.content))), None)

    def similar(self, fingerprint: bytes, within: int, most: int = 5) -> list[tuple[Issue, int]]:
        """Issued images whose PDQ hash differs in at most `within` bits, with the distance: the `most` nearest, nearest
        first, then oldest first. Exact: every fingerprint is compared, in memory. The first search of a process reads
        them all, a later one those of images issued since, by any process.

        Raises:
            Unavailable: the database does not answer.
        """
        with self.read() as stored:
            issued = self._issued.at(stored.images.newest(), partial(_issued_since, stored))
        near = issued.within(fingerprint, within, most)
        if not near:
            return []
        with self.read() as stored:  # begun after the snapshot was read, so that it has every image in it
            found = [(stored.images.by_number(one.id), int(one.distance)) for one in near]
        return [(image, far) for image, far in found if image is not None]

    def verify(self, noted: str | None = None, against: TreeHead | None = None) -> ChainAudit:
        """Walk the whole chain, build its Merkle tree again, and compare every issued row with its decision.

        `noted`: a head that was seen earlier and must still be in the chain. `against`: the tree of an earlier
        checkpoint, with which the present one must begin. Both also show a tail that was cut off or a history that was
        rewritten, together with its tree.
        """
        with self.read() as stored:
            return audit(stored, noted, against)

    def ready(self) -> int:
        """The number of decisions.

        Raises Unavailable where the database does not answer, could not be written and still cannot, was moved or
        replaced, or lacks decisions that it had.
        """
        self._database.check()
        known = self._continuity.known  # before the snapshot: what is committed meanwhile is not in it
        with self.read() as stored:
            head = stored.decisions.head()
            if not contains(known, head, stored.decisions):
                self._database.abandon(MISSING)
            self._continuity.note(head)
            return head[0]  # decisions are numbered without gaps; PostgreSQL counts a million in 0.1 s

    def snapshot(self, target: Path, on_progress: OnProgress = lambda done, total: None) -> ChainAudit:
        """Copy the whole ledger into the new file `target`, while others write, and audit the state that was copied.

        Raises Unavailable as `read`, or where `pg_dump` is missing or fails.
        """
        with self._database.snapshot(target, on_progress) as session:
            return audit(Repositories(session))

    def identity(self) -> LedgerIdentity:
        """Which database this is. Raises Unavailable as `read`, LedgerCorrupt."""
        with self.read() as stored:
            return stored.identity.get()

    def holds(self, known: Head) -> bool:
        """The chain contains this decision; (0, "") is in every chain. Raises Unavailable as `read`."""
        with self.read() as stored:
            return contains(known, stored.decisions.head(), stored.decisions)

    @property
    def head(self) -> Head:
        """`seq` and hash of the newest decision that this process has seen; 0 and "" before the first."""
        return self._continuity.known


def _issued_since(stored: Repositories, known: Snapshot[bytes]) -> Changes:
    new = stored.images.fingerprints(after=known.revision)
    return Changes(new.ids, new.hashes)
