import pytest

from watermark.c2pa import jumbf


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def superbox(label: str, *inner: bytes) -> bytes:
    return box(b"jumb", box(b"jumd", bytes(17) + label.encode() + b"\0") + b"".join(inner))


STORE = superbox("c2pa", superbox("urn:c2pa:1", superbox("a", box(b"cbor", b"one"))), superbox("urn:c2pa:2"))


def test_the_last_manifest_is_active() -> None:
    assert jumbf.active_manifest(STORE).label == "urn:c2pa:2"


def test_children_and_content() -> None:
    (root,) = jumbf.boxes(STORE)
    first = jumbf.child(STORE, root, "urn:c2pa:1")
    content = jumbf.content(STORE, jumbf.child(STORE, first, "a"))
    assert STORE[content.body : content.end] == b"one"
    with pytest.raises(ValueError, match="0 boxes are labelled b"):
        jumbf.child(STORE, first, "b")


@pytest.mark.parametrize("broken", [STORE[:-1], b"\0\0\0\4jumb", b"\0\0\0\0jumb", STORE + b"\0"])
def test_boxes_that_do_not_fit(broken: bytes) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        list(jumbf.boxes(broken))


def test_a_store_without_a_manifest() -> None:
    with pytest.raises(ValueError, match="no manifest"):
        jumbf.active_manifest(superbox("c2pa"))
