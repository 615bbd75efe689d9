"""The ledger as a transparency log: signed checkpoints of its decisions, and proofs against them."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import BadRequest, NotFound
from service.ledger.chain import entry
from service.ledger.checkpoints import Checkpoint
from service.ledger.ledger import Ledger
from service.ledger.merkle import TreeHead, consistency_path, inclusion_path, leaf_hash
from service.ledger.notes import Signer, VerifierKey
from service.ledger.proofs import InclusionProof
from service.ledger.tree import hashes, root
from service.storage import Decision, Repositories


@dataclass(frozen=True, slots=True)
class ProvedDecision:
    """A decision and the proof that it is in the log."""

    decision: Decision
    proof: InclusionProof

    @property
    def leaf(self) -> bytes:
        """The hash of its leaf: all that the proof needs, and tells nothing about the decision."""
        return leaf_hash(entry(self.decision))


class TransparencyLog:
    """Signs and proves what the ledger holds. Safe to share between threads.

    A checkpoint is a function of the decisions, and its signature deterministic: nothing has to be stored to give the
    same one again.
    """

    def __init__(self, ledger: Ledger, signer: Signer) -> None:
        self._ledger = ledger
        self._signer = signer

    @property
    def verifier(self) -> VerifierKey:
        """The key that checks everything signed here. Its name is the log's origin."""
        return self._signer.verifier

    def checkpoint(self) -> Checkpoint:
        """Of all decisions so far. Raises Unavailable."""
        with self._ledger.read() as stored:
            return self._sign(stored, stored.decisions.size())

    def head(self, size: int) -> TreeHead:
        """The tree over the first `size` decisions. Raises BadRequest if there are fewer."""
        with self._ledger.read() as stored:
            _check_size(stored, size)
            return TreeHead(size, root(stored.merkle, size))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """What proves that the first `new` decisions begin with the first `old`.

        Raises BadRequest unless 0 <= old <= new and there are as many as `new`.
        """
        with self._ledger.read() as stored:
            _check_size(stored, new)
            if not 0 <= old <= new:
                raise BadRequest(f"a log of {new} decisions does not continue one of {old}")
            return hashes(stored.merkle, consistency_path(old, new))

    def find(self, name: str) -> Decision:
        """The decision with this hash or number, or the one that issued or refused what has this id.

        Raises NotFound.
        """
        with self._ledger.read() as stored:
            found = stored.decisions.by_hash(name) or (stored.decisions.by_seq(int(name)) if _is_seq(name) else None)
            about = stored.decisions.about(name) if found is None else ()
        issued = [decision for decision in about if decision.kind == "issued"]
        if found is None and not about:
            raise NotFound("there is no such decision", hint="Name a content id, or a decision's hash or number.")
        return found or (issued or about)[-1]

    def prove(self, decision: Decision, checkpoint: Checkpoint | None = None, *, disclose: bool) -> ProvedDecision:
        """That the decision is in the log, against `checkpoint` or a new one. `disclose`: the proof carries the entry.

        Raises BadRequest if the checkpoint is older than the decision.
        """
        with self._ledger.read() as stored:
            checkpoint = checkpoint or self._sign(stored, stored.decisions.size())
            if decision.seq > checkpoint.size:
                raise BadRequest(f"decision {decision.seq} is newer than the checkpoint of {checkpoint.size}")
            index = decision.seq - 1
            path = hashes(stored.merkle, inclusion_path(index, checkpoint.size))
        return ProvedDecision(decision, InclusionProof(index, path, checkpoint, entry(decision) if disclose else None))

    def _sign(self, stored: Repositories, size: int) -> Checkpoint:
        return Checkpoint.sign(TreeHead(size, root(stored.merkle, size)), self._signer)


def open_log(ledger: Ledger, key: Ed25519PrivateKey, origin: str | None) -> TransparencyLog:
    """The log of a ledger. Without an `origin` its name is made of the key, so that no two logs have the same."""
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return TransparencyLog(ledger, Signer(origin or f"countermark/{hashlib.sha256(public).hexdigest()[:16]}", key))


def _check_size(stored: Repositories, size: int) -> None:
    if size > (there := stored.decisions.size()):
        raise BadRequest(f"the log has {there} decisions, not {size}")


def _is_seq(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 10
