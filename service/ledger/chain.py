"""The decision chain: each decision's hash covers its own content and the hash of the one before.

A change, a removal or an insertion anywhere breaks every later link. What a chain alone cannot show is a
tail cut off or a history rewritten whole; for that, note the head (`countermark audit verify` prints it)
somewhere else and hand it back with `--head`.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

GENESIS = "0" * 64

Kind = Literal[
    "issued", "refused", "blocklist", "takedown", "appeal", "override", "consent", "tenant", "adapter", "held"
]


@dataclass(frozen=True, slots=True)
class Decision:
    """One link. `at` is RFC 3339 UTC, `subject` an id, case or list, `body` canonical JSON, hashes hex SHA-256."""

    seq: int
    at: str
    kind: Kind
    subject: str
    body: str
    previous: str
    hash: str

    def is_sound(self) -> bool:
        """The hash is the one its content gives."""
        return self.hash == _link_hash(self.seq, self.at, self.kind, self.subject, self.body, self.previous)


def canonical(value: dict[str, Any]) -> str:
    """JSON with one spelling: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(after: Decision | None, *, at: str, kind: Kind, subject: str, content: dict[str, Any]) -> Decision:
    """The decision that follows `after` (None: the first)."""
    seq, previous = (after.seq + 1, after.hash) if after else (1, GENESIS)
    body = canonical(content)
    return Decision(seq, at, kind, subject, body, previous, _link_hash(seq, at, kind, subject, body, previous))


def _link_hash(seq: int, at: str, kind: str, subject: str, body: str, previous: str) -> str:
    content = canonical({"seq": seq, "at": at, "kind": kind, "subject": subject, "body": body, "previous": previous})
    return hashlib.sha256(content.encode()).hexdigest()
