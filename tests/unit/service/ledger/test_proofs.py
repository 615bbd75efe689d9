"""Proofs as text: what was written is read back, and nothing else is believed."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from service.kit.errors import MalformedProof, ProofInvalid, UntrustedLog
from service.ledger.checkpoints import Checkpoint
from service.ledger.merkle import CompactRange, TreeHead, inclusion_path, leaf_hash, node_hash
from service.ledger.notes import Signer
from service.ledger.proofs import InclusionProof, check_consistency, decoded, encoded
from tests.support.mutants import with_other_byte

SIGNER = Signer("example.com/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENTRY = b'{"body":"{\\"a\\":1}","kind":"issued","seq":1,"subject":"urn:uuid:1"}'
A, B, C = (leaf_hash(entry) for entry in (ENTRY, b"b", b"c"))
CHECKPOINT = Checkpoint.sign(TreeHead(3, node_hash(node_hash(A, B), C)), SIGNER)
PROOF = InclusionProof(0, (B, C), CHECKPOINT, ENTRY)


def test_it_has_the_published_form() -> None:
    lines = str(PROOF).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert (lines[1].split(" ")[0], lines[2]) == ("extra", "index 0")
    assert lines[3:5] == encoded([B, C])
    assert "\n".join(lines[6:]) == str(CHECKPOINT.note)
    assert str(replace(PROOF, entry=None)).split("\n")[1] == "index 0"


def test_what_was_written_is_read() -> None:
    for proof in (PROOF, replace(PROOF, entry=None), replace(PROOF, path=())):
        assert InclusionProof.parse(str(proof)) == proof


def test_it_holds_with_the_key_alone() -> None:
    PROOF.verify(SIGNER.verifier)
    PROOF.verify(SIGNER.verifier, A)
    replace(PROOF, entry=None).verify(SIGNER.verifier, A)
    InclusionProof(2, (node_hash(A, B),), CHECKPOINT).verify(SIGNER.verifier, C)
    assert PROOF.decision() == {"seq": 1, "kind": "issued", "subject": "urn:uuid:1", "body": {"a": 1}}
    assert replace(PROOF, entry=None).decision() is None


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PROOF, index=1),
        replace(PROOF, index=3),
        replace(PROOF, path=(C, B)),
        replace(PROOF, path=(B,)),
        replace(PROOF, entry=ENTRY.replace(b"issued", b"refused")),
        replace(PROOF, checkpoint=Checkpoint.sign(TreeHead(3, A), SIGNER)),
        replace(PROOF, checkpoint=Checkpoint.sign(TreeHead(2, CHECKPOINT.head.root), SIGNER)),
    ],
)
def test_what_is_not_so_does_not_hold(wrong: InclusionProof) -> None:
    with pytest.raises(ProofInvalid, match="not in the log"):
        wrong.verify(SIGNER.verifier)


def test_an_entry_is_not_the_leaf_that_somebody_expects() -> None:
    with pytest.raises(ProofInvalid):
        PROOF.verify(SIGNER.verifier, B)
    with pytest.raises(MalformedProof, match="needs the hash of its leaf"):
        replace(PROOF, entry=None).verify(SIGNER.verifier)
    with pytest.raises(UntrustedLog):
        PROOF.verify(Signer("example.com/log", Ed25519PrivateKey.generate()).verifier)


@given(st.integers(0, len(str(PROOF).encode()) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted(position: int, change: int) -> None:
    text = with_other_byte(str(PROOF), position, change)
    with pytest.raises((MalformedProof, ProofInvalid, UntrustedLog)):
        InclusionProof.parse(text).verify(SIGNER.verifier)


@given(st.text())
def test_any_text_is_a_proof_or_a_typed_error(text: str) -> None:
    for each in (text, f"c2sp.org/tlog-proof@v1\n{text}", str(PROOF).replace("index 0", text)):
        try:
            InclusionProof.parse(each)
        except MalformedProof:
            continue
        assert each == str(PROOF)


@pytest.mark.parametrize("entry", [b"", b"[]", b"{}", b"\xff", b'{"body":"x"}'])
def test_an_entry_that_is_no_decision_is_named(entry: bytes) -> None:
    with pytest.raises(MalformedProof, match="not a decision"):
        replace(PROOF, entry=entry).decision()


def test_hashes_have_32_bytes_and_are_at_most_63() -> None:
    assert decoded(encoded([A, B])) == (A, B)
    for wrong in (["AA=="], ["x"], encoded([A] * 64)):
        with pytest.raises(MalformedProof):
            decoded(wrong)


def test_consistency_is_proved_or_refused() -> None:
    old = Checkpoint.sign(TreeHead(2, node_hash(A, B)), SIGNER)
    check_consistency(old, CHECKPOINT, [C])
    with pytest.raises(ProofInvalid, match="not proved to begin with the 2"):
        check_consistency(old, CHECKPOINT, [B])


DOCS = (Path(__file__).parents[4] / "docs/audit-log.md").read_text(encoding="utf-8")
BY_HAND = re.search(r"```python\n(.*?)```", DOCS, re.DOTALL)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9])
def test_the_program_in_the_docs_checks_a_proof(
    size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tree, stored = CompactRange(), []
    for number in range(size):
        stored += tree.append(leaf_hash(b"%d" % number))
    checkpoint = Checkpoint.sign(TreeHead(size, tree.root()), SIGNER)
    assert BY_HAND
    for index in range(size):
        path = tuple(span.hash(stored.__getitem__) for span in inclusion_path(index, size))
        for entry, holds in ((b"%d" % index, "True"), (b"another", "False")):
            Path("answer.tlog-proof").write_text(str(InclusionProof(index, path, checkpoint, entry)), encoding="utf-8")
            exec(BY_HAND[1], {})
            assert capsys.readouterr().out.strip() == holds


def test_the_commands_in_the_docs_check_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "note").write_text(str(CHECKPOINT.note), encoding="utf-8")
    (tmp_path / "log.pem").write_text(SIGNER.verifier.pem())
    commands = [line for line in DOCS.splitlines() if line.startswith(("head -3 note", "sed -n 5p note", "openssl "))]
    done = subprocess.run(
        ["sh", "-e"], input="\n".join(commands), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (len(commands), "Signature Verified Successfully" in done.stdout) == (3, True)
