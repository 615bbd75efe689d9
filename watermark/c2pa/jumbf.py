"""The boxes of a manifest store (JUMBF, ISO 19566-5), as far as our signer needs them: to find what it finishes.

Only stores that the SDK has just written are walked here. Files of others are read by the SDK.
"""

from collections.abc import Iterator
from dataclasses import dataclass

Store = bytes | bytearray

_HEADER = 8  # length (4 bytes) and type (4)
_LABEL_AT = 17  # in a description box: UUID (16) and toggles (1)
_SUPERBOX, _DESCRIPTION = b"jumb", b"jumd"


@dataclass(frozen=True, slots=True)
class Box:
    """A box, as positions in its store: `start` of its header, `body` after it, and `end`. `label` of a superbox."""

    kind: bytes
    start: int
    end: int
    label: str = ""

    @property
    def body(self) -> int:
        return self.start + _HEADER


def boxes(store: Store, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes between two positions, in order. Raises ValueError where they do not fit into each other."""
    end = len(store) if end is None else end
    while start < end:
        length = int.from_bytes(store[start : start + 4], "big")
        kind = bytes(store[start + 4 : start + _HEADER])
        if length < _HEADER or start + length > end:
            raise ValueError(f"a box of {length} bytes does not fit at {start}")
        yield Box(kind, start, start + length, _label(store, start) if kind == _SUPERBOX else "")
        start += length


def active_manifest(store: Store) -> Box:
    """The last manifest of a store. Raises ValueError if there is none."""
    (root,) = boxes(store)
    manifests = [box for box in boxes(store, root.body, root.end) if box.kind == _SUPERBOX]
    if not manifests:
        raise ValueError("the store holds no manifest")
    return manifests[-1]


def only_active(store: bytes) -> bytes:
    """A store with the active manifest alone, without those of its ingredients. Raises ValueError as `boxes`."""
    (root,) = boxes(store)
    description = next(boxes(store, root.body, root.end))
    manifest = active_manifest(store)
    body = store[description.start : description.end] + store[manifest.start : manifest.end]
    return (len(body) + _HEADER).to_bytes(4, "big") + _SUPERBOX + body


def child(store: Store, parent: Box, label: str) -> Box:
    """The superbox with this label directly in `parent`. Raises ValueError if there is not exactly one."""
    found = [box for box in boxes(store, parent.body, parent.end) if box.label == label]
    if len(found) != 1:
        raise ValueError(f"{len(found)} boxes are labelled {label}")
    return found[0]


def content(store: Store, parent: Box) -> Box:
    """The one content box of a superbox, beside its description. Raises ValueError if there is not exactly one."""
    found = [box for box in boxes(store, parent.body, parent.end) if box.kind != _DESCRIPTION]
    if len(found) != 1:
        raise ValueError(f"{parent.label} has {len(found)} content boxes")
    return found[0]


def _label(store: Store, start: int) -> str:
    description = start + _HEADER
    length = int.from_bytes(store[description : description + 4], "big")
    text = store[description + _HEADER + _LABEL_AT : description + length]
    return bytes(text).split(b"\0", 1)[0].decode("utf-8", "replace")
