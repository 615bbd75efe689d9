"""The Merkle tree over the decisions, as it is stored: decision N is leaf N - 1, and its entry is what its hash covers.

Appending, roots and proofs each take one look-up of at most two hashes a level.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

from service.kit.errors import Unavailable
from service.ledger.merkle import Span, completed_by, leaf_hash, left_siblings, node_hash, stored_count
from service.storage import MerkleRepository


def append(stored: MerkleRepository, index: int, entry: bytes) -> None:
    """Add the leaf at `index`, which must be the next. The writers' lock is held.

    Raises:
        Unavailable: a part of the tree that the leaf continues is missing, or the tree has this leaf already, because
            decisions were cut off.
    """
    completed = [leaf_hash(entry)]
    if completed_by(index):
        siblings = left_siblings(index)
        found = _found(stored, siblings)
        for number in siblings:
            completed.append(node_hash(found[number], completed[-1]))
    stored.append(stored_count(index), completed)


def root(stored: MerkleRepository, size: int) -> bytes:
    """The root of the tree over the first `size` decisions. Raises Unavailable as `hashes`."""
    return hashes(stored, [Span(0, size)])[0]


def hashes(stored: MerkleRepository, spans: Sequence[Span]) -> tuple[bytes, ...]:
    """The hash of each span of decisions.

    Raises:
        Unavailable: a part of the tree is missing.
    """
    found = _found(stored, list(chain.from_iterable(span.numbers() for span in spans)))
    return tuple(span.hash(found.__getitem__) for span in spans)


def _found(stored: MerkleRepository, numbers: Sequence[int]) -> Mapping[int, bytes]:
    found = stored.hashes(numbers)
    if missing := [number for number in numbers if number not in found]:
        raise Unavailable(
            f"hash {missing[0]} of the ledger's Merkle tree is missing", hint="Run `countermark audit verify`."
        )
    return found
