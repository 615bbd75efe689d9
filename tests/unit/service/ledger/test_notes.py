"""Notes as the published format has them: the vectors of Go's `sumdb/note` and of C2SP, and every kind of damage."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from service.kit.errors import MalformedProof, ProofInvalid, UntrustedLog
from service.ledger.notes import KeyType, Note, Signer, VerifierKey, cosigned, decode64, is_key_name, signature_lines
from tests.support.mutants import with_other_byte
from tests.support.witness import cosignature

# The example of Go's golang.org/x/mod/sumdb/note: private key (type byte and seed), public key, and a signed note.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    f"{TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

# The example of c2sp.org/tlog-cosignature.
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
COSIGNED = (
    f"{CHECKPOINT}\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

PETER = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(SEED))
OTHER = Signer("example.com/other", Ed25519PrivateKey.generate())


def test_keys_and_signatures_are_those_of_go() -> None:
    assert str(PETER.verifier) == KEY
    assert VerifierKey.parse(f" {KEY}\n") == PETER.verifier
    assert str(PETER.sign(TEXT)) == NOTE
    Note.parse(NOTE).verify(VerifierKey.parse(KEY))


def test_the_published_key_of_gos_checksum_database() -> None:
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert str(VerifierKey.parse(text)) == text


def test_the_published_cosignature_is_laid_out_as_ours() -> None:
    note = Note.parse(COSIGNED)
    assert (str(note), note.text) == (COSIGNED, CHECKPOINT)
    log, witness = note.signatures
    assert (log.name, len(log.signature)) == ("example.com/behind-the-sofa", 64)
    assert (witness.name, witness.key_id.hex(), len(witness.signature)) == ("witness.example.com/w1", "8d66cf3f", 72)
    time = int.from_bytes(witness.signature[:8], "big")
    assert cosigned(time, CHECKPOINT) == f"cosignature/v1\ntime 1679315147\n{CHECKPOINT}".encode()


def test_a_cosignature_is_of_its_key_and_its_text() -> None:
    witness = VerifierKey("witness.example/w", OTHER.verifier.public, KeyType.COSIGNATURE)
    line = cosignature(CHECKPOINT, "witness.example/w", OTHER.key, at=1679315147)
    note = Note(CHECKPOINT, ()).with_signatures([line, line]).with_signatures([line])
    assert note.signatures == (line, line)
    assert Note.parse(str(note)) == note
    note.verify(witness)
    assert VerifierKey.parse(str(witness)) == witness
    with pytest.raises(UntrustedLog):  # the same key, as one that signs notes
        note.verify(VerifierKey("witness.example/w", OTHER.verifier.public))
    with pytest.raises(ProofInvalid):
        Note(CHECKPOINT.replace("20852163", "20852164"), (line,)).verify(witness)
    assert not witness.accepts(CHECKPOINT, line.signature[:7])
    assert not witness.accepts(CHECKPOINT, line.signature[8:])


def test_signatures_of_others_are_ignored_and_of_nobody_are_not_enough() -> None:
    both = PETER.sign(TEXT).with_signatures(OTHER.sign(TEXT).signatures)
    for signer in (PETER, OTHER):
        Note.parse(str(both)).verify(signer.verifier)
    with pytest.raises(UntrustedLog, match=r"not signed by the key PeterNeumann\+c74f20a3"):
        OTHER.sign(TEXT).verify(PETER.verifier)
    renamed = Signer("PeterNeumann", OTHER.key)
    with pytest.raises(UntrustedLog):  # the name alone is not the key
        renamed.sign(TEXT).verify(PETER.verifier)


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    twice = PETER.sign(TEXT).with_signatures(PETER.sign("another\n").signatures)
    with pytest.raises(ProofInvalid, match="the signature of PeterNeumann is not valid"):
        Note.parse(str(twice)).verify(PETER.verifier)


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted(position: int, change: int) -> None:
    text = with_other_byte(NOTE, position, change)
    with pytest.raises((MalformedProof, ProofInvalid, UntrustedLog)):
        Note.parse(text).verify(PETER.verifier)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        f"\n\n{NOTE}"[:3],
        NOTE.removesuffix("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("PeterNeumann ", "PeterNeumann  "),
        NOTE.replace("x08go", "x08g\n"),
        NOTE.replace("JnAM=", "JnAN="),  # base64 has one spelling
        f"{TEXT}\n— PeterNeumann AAAA\n",
        NOTE.replace("problem is", "problem\tis"),
        f"{'x' * (1 << 16)}\n{NOTE}",
    ],
)
def test_what_is_no_note_is_named(note: str) -> None:
    with pytest.raises(MalformedProof):
        Note.parse(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        KEY.replace("c74f20a3", "c74f20a4"),
        KEY.replace("c74f20a3", "C74F20A3"),
        KEY.replace("PeterNeumann", "Peter Neumann"),
        KEY.replace("PeterNeumann", ""),
        KEY[:-4],
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # another algorithm
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long
    ],
)
def test_what_is_no_key_is_named(text: str) -> None:
    with pytest.raises(MalformedProof):
        VerifierKey.parse(text)


def test_names_and_base64() -> None:
    assert is_key_name("example.com/log")
    assert not any(is_key_name(name) for name in ("", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b"))
    assert [decode64(text) for text in ("AA==", "AB==", "AA", "A A=", "é")] == [b"\x00", None, None, None, None]
    with pytest.raises(MalformedProof):
        list(signature_lines("— name\n"))


def test_openssl_checks_a_note_by_hand(tmp_path: Path) -> None:
    """As docs/audit-log.md describes it."""
    note = PETER.sign(TEXT)
    (tmp_path / "log.pem").write_text(PETER.verifier.pem())
    (tmp_path / "text").write_text(note.text)
    (tmp_path / "signature").write_bytes(note.signatures[0].signature)
    command = "openssl pkeyutl -verify -pubin -inkey log.pem -rawin -in text -sigfile signature"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout
