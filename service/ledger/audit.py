"""Walking the whole chain and its Merkle tree: is every decision as it was written, and every issued image as it was
decided?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.ledger.chain import GENESIS, entry, is_sound, row_digest
from service.ledger.merkle import CompactRange, TreeHead, leaf_hash, stored_count
from service.storage import RawDecision, RawImage, Repositories


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """The state of the chain: its decisions and images, the hash of the last decision, the root of the Merkle tree over
    all decisions (hex), and what is wrong with it."""

    decisions: int
    images: int
    head: str
    root: str
    problems: tuple[str, ...]


def audit(stored: Repositories, noted: str | None = None, against: TreeHead | None = None) -> ChainAudit:
    """Check every link and every hash of the tree, and compare every issued row with its decision.

    `noted`, `against`: see `Ledger.verify`.
    """
    head, noted_seen = GENESIS, noted in (None, GENESIS)
    problems: list[str] = []
    issued: dict[str, str] = {}
    tree = _TreeAudit(stored.merkle.raw())
    expected = TreeHead(0, b"") if against is None else against
    found_root = tree.root() if expected.size == 0 else None
    for decision in stored.decisions.raw():
        problems += tree.problems(decision)
        problems += _link_problems(decision, tree.size, head)
        head = decision.hash
        noted_seen |= head == noted
        if decision.kind == "issued":
            issued[decision.subject] = decision.body
        if tree.size == expected.size:
            found_root = tree.root()
    problems += tree.rest()
    images = 0
    for image in stored.images.raw():
        images += 1
        problems += _image_problems(image, issued)
    problems += _missing(issued)
    if not noted_seen:
        problems.append("the noted head is not in the chain: decisions were cut off or rewritten")
    if against is not None and found_root is None:
        problems.append(f"the checkpoint has {against.size} decisions, the ledger {tree.size}: decisions were cut off")
    elif against is not None and found_root != against.root:
        problems.append(f"the first {against.size} decisions are not those of the checkpoint: they were rewritten")
    return ChainAudit(tree.size, images, head, tree.root().hex(), tuple(problems))


class _TreeAudit:
    """Builds the tree again beside the stored one, decision by decision."""

    def __init__(self, stored: Iterator[tuple[int, object]]) -> None:
        self._stored = stored
        self._next = next(stored, None)
        self._built = CompactRange()
        self._differs = False  # once: what follows a difference differs, too

    @property
    def size(self) -> int:
        return self._built.size

    def root(self) -> bytes:
        return self._built.root()

    def problems(self, decision: RawDecision) -> Iterator[str]:
        """Add a decision, and compare the hashes that it completes with the stored ones."""
        try:
            leaf = leaf_hash(entry(decision))
        except TypeError:  # tampered with; the chain's audit names it
            leaf = leaf_hash(b"")
        first = stored_count(self.size)
        wrong = [each for each in enumerate(self._built.append(leaf), first) if not self._is_stored(*each)]
        if wrong and not self._differs:
            self._differs = True
            yield f"from decision {decision.seq} on, the Merkle tree does not hold the decisions"

    def rest(self) -> Iterator[str]:
        """What is stored beyond the last decision."""
        if self._next is not None:
            yield "the Merkle tree goes on after the last decision: decisions were cut off"

    def _is_stored(self, number: int, expected: bytes) -> bool:
        while self._next is not None and self._next[0] < number:
            self._next = next(self._stored, None)
        if self._next is None or self._next[0] != number:
            return False
        found = self._next[1]
        self._next = next(self._stored, None)
        return found == expected


def _link_problems(decision: RawDecision, position: int, head: str) -> Iterator[str]:
    if decision.seq != position:
        yield f"decision {position} is missing: {decision.seq} follows {position - 1}"
    if decision.previous != head:
        yield f"decision {decision.seq} does not continue the one before it"
    if not is_sound(decision):
        yield f"decision {decision.seq} was changed after it was written"


def _image_problems(image: RawImage, issued: dict[str, str]) -> Iterator[str]:
    """Compare an image with its decision, and take the decision out of `issued`."""
    body = issued.pop(image.content_id, None)
    if body is None:
        yield f"image {image.content_id} has no decision"
    elif not isinstance(body, str) or f'"record":"{row_digest(image.fields)}"' not in body:
        yield f"image {image.content_id} was changed after it was issued"


def _missing(content_ids: Iterable[str]) -> Iterator[str]:
    for content_id in content_ids:
        yield f"image {content_id} was issued and its row is missing"
