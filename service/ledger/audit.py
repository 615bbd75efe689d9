"""Walking the whole chain: is every decision as it was written, and every issued image as it was decided?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.ledger.chain import GENESIS, is_sound, row_digest
from service.storage import RawDecision, RawImage, Repositories


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """The state of the chain: its decisions and images, the hash of the last decision, and what is wrong with it."""

    decisions: int
    images: int
    head: str
    problems: tuple[str, ...]


def audit(stored: Repositories, noted: str | None = None) -> ChainAudit:
    """Check every link and compare every issued row with its decision. `noted`: see `Ledger.verify`."""
    head, decisions, noted_seen = GENESIS, 0, noted in (None, GENESIS)
    problems: list[str] = []
    issued: dict[str, str] = {}
    for decision in stored.decisions.raw():
        decisions += 1
        problems += _link_problems(decision, decisions, head)
        head = decision.hash
        noted_seen |= head == noted
        if decision.kind == "issued":
            issued[decision.subject] = decision.body
    images = 0
    for image in stored.images.raw():
        images += 1
        problems += _image_problems(image, issued)
    problems += _missing(issued)
    if not noted_seen:
        problems.append("the noted head is not in the chain: decisions were cut off or rewritten")
    return ChainAudit(decisions, images, head, tuple(problems))


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
