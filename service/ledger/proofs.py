"""Proofs that a decision is in the log (https://c2sp.org/tlog-proof), which anybody can check without the database."""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from service.kit.errors import MalformedProof, ProofInvalid
from service.ledger.checkpoints import Checkpoint
from service.ledger.merkle import includes, is_consistent, leaf_hash
from service.ledger.notes import MOST_BYTES, VerifierKey, decode64

FIRST_LINE = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,17})")
_EXTRA = "extra "
_HASH_BYTES, _MOST_HASHES = 32, 63


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That the entry at `index` (from 0) is in the tree of a checkpoint. `str` gives the proof as text.

    `entry`: the bytes of the decision, which the proof carries as its extra data; None if it names nobody's decision.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    entry: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.entry is None else [f"{_EXTRA}{base64.b64encode(self.entry).decode()}"]
        lines = [FIRST_LINE, *extra, f"index {self.index}", *encoded(self.path), "", str(self.checkpoint.note)]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str) -> "InclusionProof":
        """The parts of a proof, of which nothing is verified. Raises MalformedProof."""
        head, gap, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if not gap or first != FIRST_LINE or len(text) > 16 * MOST_BYTES:
            raise MalformedProof(f"this is not a proof: it does not begin with {FIRST_LINE}, or it is too long")
        entry = decode64(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
        index = _INDEX.fullmatch(lines[0]) if lines else None
        if index is None:
            raise MalformedProof("the proof has no index")
        return cls(int(index[1]), decoded(lines[1:]), Checkpoint.parse(note), entry)

    def verify(self, key: VerifierKey, leaf: bytes | None = None) -> None:
        """Require that the log with this key has the decision. `leaf`: its hash, needed where the proof has no entry.

        Raises:
            UntrustedLog: the checkpoint is not signed with the key.
            ProofInvalid: its signature is not valid, or the decision is not what the checkpoint covers.
            MalformedProof: the leaf is not known.
        """
        Checkpoint.verified(str(self.checkpoint.note), key)
        found = leaf if self.entry is None else leaf_hash(self.entry)
        if found is None:
            raise MalformedProof("the proof does not carry the decision, so it needs the hash of its leaf")
        head = self.checkpoint.head
        if leaf not in (None, found) or not includes(found, self.index, head.size, self.path, head.root):
            raise ProofInvalid("the decision is not in the log at the place that the proof says")

    def decision(self) -> dict[str, Any] | None:
        """The decision that the proof carries. Raises MalformedProof if its entry is not one."""
        if self.entry is None:
            return None
        try:
            found = json.loads(self.entry)
            return {**found, "body": json.loads(found["body"])}
        except (ValueError, TypeError, KeyError):
            raise MalformedProof("the entry in the proof is not a decision") from None


def check_consistency(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Require that `new` continues `old`, whose signatures were verified. Raises ProofInvalid."""
    if not is_consistent(old.size, old.head.root, new.size, new.head.root, path):
        raise ProofInvalid(
            f"the log of {new.size} decisions is not proved to begin with the {old.size} of the older checkpoint"
        )


def encoded(hashes: Iterable[bytes]) -> list[str]:
    """Hashes as base64."""
    return [base64.b64encode(one).decode() for one in hashes]


def decoded(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The hashes in lines of base64. Raises MalformedProof."""
    hashes = [decode64(line) for line in lines]
    if len(hashes) > _MOST_HASHES or any(one is None or len(one) != _HASH_BYTES for one in hashes):
        raise MalformedProof("the proof has a line that is not a SHA-256 hash in base64, or too many of them")
    return tuple(one for one in hashes if one is not None)
