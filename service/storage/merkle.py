"""The hashes of the Merkle tree over the decisions."""

from collections.abc import Iterator, Sequence

from sqlalchemy import bindparam, func, select

from service.storage.session import Repository
from service.storage.tables import merkle_nodes as table

_BATCH = 4096
_INSERT = table.insert()
# Put together once: every decision needs it.
_NUMBERED = select(table.c.number, table.c.hash).where(table.c.number.in_(bindparam("numbers", expanding=True)))


class MerkleRepository(Repository):
    """Hashes of complete subtrees by number, 32 bytes each. They are appended by the ledger alone and never changed."""

    def append(self, first: int, hashes: Sequence[bytes]) -> None:
        """Store the hashes of the numbers from `first` on."""
        self._session.insert(_INSERT, [{"number": first + more, "hash": one} for more, one in enumerate(hashes)])

    def hashes(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """The stored hashes among `numbers`."""
        if not numbers:
            return {}
        rows = self._session.read(_NUMBERED, numbers=list(numbers))
        return {row.number: bytes(row.hash) for row in rows}

    def count(self) -> int:
        """One more than the largest number."""
        newest = self._session.read(select(func.max(table.c.number))).scalar_one()
        return 0 if newest is None else int(newest) + 1

    def raw(self) -> Iterator[tuple[int, object]]:
        """Every number and hash in order, unparsed: an audit must also read what somebody broke."""
        for batch in self._session.batches(select(table.c.number, table.c.hash).order_by(table.c.number), _BATCH):
            yield from ((number, one) for number, one in batch)
