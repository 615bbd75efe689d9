import cbor2
import pytest

from watermark.c2pa import cose

PROTECTED = cose.protected_header("es256", (b"leaf", b"issuer"))
SIGNATURE = bytes(range(64))


def test_the_header_names_algorithm_and_chain() -> None:
    assert cbor2.loads(PROTECTED) == {1: -7, 33: [b"leaf", b"issuer"]}
    assert cbor2.loads(cose.protected_header("ed25519", (b"leaf",))) == {1: -8, 33: b"leaf"}


def test_what_is_signed() -> None:
    assert cbor2.loads(cose.to_be_signed(PROTECTED, b"claim")) == ["Signature1", PROTECTED, b"", b"claim"]


@pytest.mark.parametrize("token", [None, b"t" * 3000])
def test_a_box_has_any_size_from_the_least(token: bytes | None) -> None:
    least = cose.needed(PROTECTED, len(SIGNATURE), len(token or b""))
    for size in (*range(least, least + 600), least + 65_535, least + 65_540, least + 70_000):
        box = cose.signature_box(PROTECTED, SIGNATURE, token, size)
        assert len(box) == size
        tag = cbor2.loads(box)
        protected, unprotected, payload, signature = tag.value
        assert (tag.tag, protected, payload, signature) == (18, PROTECTED, None, SIGNATURE)
        assert not any(unprotected["pad"] + unprotected.get("pad2", b""))
        assert ("sigTst2" in unprotected) == (token is not None)


def test_a_token_that_does_not_fit_is_not_cut() -> None:
    size = cose.needed(PROTECTED, len(SIGNATURE), 0)
    with pytest.raises(ValueError, match="are reserved"):
        cose.signature_box(PROTECTED, SIGNATURE, b"t" * 3000, size)


def test_what_is_stamped_is_a_countersignature_of_the_signature() -> None:
    context, protected, aad, signed = cbor2.loads(cose.to_be_stamped(PROTECTED, SIGNATURE))
    assert (context, protected, aad, cbor2.loads(signed)) == ("CounterSignature", PROTECTED, b"", SIGNATURE)
