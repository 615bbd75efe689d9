import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import MalformedProof, ProofInvalid, UntrustedLog
from service.ledger.checkpoints import Checkpoint
from service.ledger.merkle import EMPTY_ROOT, TreeHead
from service.ledger.notes import Signer

# The example of c2sp.org/tlog-checkpoint.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)

SIGNER = Signer("example.com/log", Ed25519PrivateKey.generate())


def test_the_published_example_is_read() -> None:
    checkpoint = Checkpoint.parse(PUBLISHED)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.head.root.hex().startswith("0ac5186a91863e8e")
    assert str(checkpoint.note) == PUBLISHED


def test_what_was_signed_is_verified_and_always_the_same() -> None:
    checkpoint = Checkpoint.sign(TreeHead(0, EMPTY_ROOT), SIGNER)
    assert checkpoint.note.text == "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.verified(str(checkpoint.note), SIGNER.verifier) == checkpoint
    assert Checkpoint.sign(TreeHead(0, EMPTY_ROOT), SIGNER) == checkpoint


def test_another_key_another_log_and_another_size_are_refused() -> None:
    note = str(Checkpoint.sign(TreeHead(7, EMPTY_ROOT), SIGNER).note)
    with pytest.raises(UntrustedLog):
        Checkpoint.verified(note, Signer("example.com/log", Ed25519PrivateKey.generate()).verifier)
    with pytest.raises(ProofInvalid):
        Checkpoint.verified(note.replace("\n7\n", "\n8\n"), SIGNER.verifier)
    borrowed = str(SIGNER.sign(Checkpoint.parse(PUBLISHED).note.text))
    with pytest.raises(UntrustedLog, match="of another log than"):
        Checkpoint.verified(borrowed, SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "example.com/log\n7\n",
        "example.com/log\n07\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "example.com/log\n-7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "example.com/log\n\u0667\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "example.com/log\n7\nAA==\n",
        "\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "example.com/log\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nmore\n",
    ],
)
def test_a_note_that_is_no_checkpoint_is_named(text: str) -> None:
    with pytest.raises(MalformedProof, match="not a checkpoint"):
        Checkpoint.parse(str(SIGNER.sign(text)))


def test_lines_of_extensions_are_kept_and_signed() -> None:
    text = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n"
    checkpoint = Checkpoint.verified(str(SIGNER.sign(text)), SIGNER.verifier)
    assert (checkpoint.size, checkpoint.note.text) == (0, text)
