"""Checkpoints (https://c2sp.org/tlog-checkpoint): how many decisions there are, and the root of the tree over them."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.kit.errors import MalformedProof, UntrustedLog
from service.ledger.merkle import TreeHead
from service.ledger.notes import Note, SignatureLine, Signer, VerifierKey, decode64

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log named `origin` has these decisions. `note`: the signed note that says so."""

    origin: str
    head: TreeHead
    note: Note

    @property
    def size(self) -> int:
        return self.head.size

    def cosigned(self, lines: Sequence[SignatureLine]) -> "Checkpoint":
        """The same checkpoint with more signatures."""
        return replace(self, note=self.note.with_signatures(lines))

    @classmethod
    def sign(cls, head: TreeHead, signer: Signer) -> "Checkpoint":
        """A checkpoint of the log whose origin is the name of its key."""
        root = base64.b64encode(head.root).decode()
        return cls(signer.name, head, signer.sign(f"{signer.name}\n{head.size}\n{root}\n"))

    @classmethod
    def parse(cls, note: str) -> "Checkpoint":
        """The checkpoint in a note, of which no signature is verified. Raises MalformedProof."""
        parsed = Note.parse(note)
        lines = parsed.text.split("\n")[:-1]
        size, root = (lines[1], decode64(lines[2])) if len(lines) >= 3 else ("", None)
        if not all(lines) or not _SIZE.fullmatch(size) or root is None or len(root) != _HASH_BYTES:
            raise MalformedProof("the note is not a checkpoint: an origin, a number of decisions and a root hash")
        return cls(lines[0], TreeHead(int(size), root), parsed)

    @classmethod
    def verified(cls, note: str, key: VerifierKey) -> "Checkpoint":
        """The checkpoint of the log with this key. Raises MalformedProof, UntrustedLog, ProofInvalid."""
        checkpoint = cls.parse(note)
        checkpoint.note.verify(key)
        if checkpoint.origin != key.name:
            raise UntrustedLog(f"the checkpoint is of another log than {key.name}")
        return checkpoint
