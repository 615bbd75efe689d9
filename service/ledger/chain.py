"""The decision chain: each decision's hash covers its own content and the hash of the decision before it.

A change, a removal or an insertion anywhere breaks every later link. What a chain alone cannot show is that its tail
was cut off, or that its whole history was rewritten: for that, the same decisions are the leaves of a Merkle tree
(`service.ledger.tree`), whose signed checkpoints others keep.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

from service.kit.clock import stamp
from service.storage import Decision, Issue, Kind, RawDecision, values_of

GENESIS = "0" * 64


def canonical(value: Mapping[str, object]) -> str:
    """JSON with one spelling: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(
    after: Decision | None, *, at: dt.datetime, kind: Kind, subject: str, content: Mapping[str, object]
) -> Decision:
    """The decision that follows `after` (None: the first). `at` is cut to milliseconds, as it is stored and hashed."""
    seq, previous = (after.seq + 1, after.hash) if after else (1, GENESIS)
    body, text = canonical(content), stamp(at, "milliseconds")
    hash_ = hashlib.sha256(_entry(seq, text, kind, subject, body, previous)).hexdigest()
    return Decision(seq, dt.datetime.fromisoformat(text), kind, subject, body, previous, hash_)


def is_sound(decision: Decision | RawDecision) -> bool:
    """The hash is the one that the content gives."""
    try:
        return decision.hash == hashlib.sha256(entry(decision)).hexdigest()
    except TypeError:  # after tampering, a column may hold another type than was written
        return False


def image_digest(image: Issue) -> str:
    """SHA-256 (hex) over every field of an image's row. The chain holds it, so that an edit of the row shows."""
    return row_digest({**values_of(image), "created_at": stamp(image.created_at)})


def row_digest(fields: Mapping[str, object]) -> str:
    """`image_digest` of a row as the database holds it."""
    texts = {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}
    return hashlib.sha256(canonical(texts).encode()).hexdigest()


def entry(decision: Decision | RawDecision) -> bytes:
    """The bytes that a decision's hash covers, and that are its leaf in the Merkle tree: canonical JSON, UTF-8.

    Raises TypeError where a column holds another type than was written.
    """
    at = decision.at if isinstance(decision, RawDecision) else stamp(decision.at, "milliseconds")
    return _entry(decision.seq, at, decision.kind, decision.subject, decision.body, decision.previous)


def _entry(seq: int, at: str, kind: str, subject: str, body: str, previous: str) -> bytes:
    content = {"seq": seq, "at": at, "kind": kind, "subject": subject, "body": body, "previous": previous}
    return canonical(content).encode()
