"""The credentials of input images, kept in the manifest of what was made from them.

An image's own manifests come along whole: who signed them, what was done, and the hashes. Whatever else stands in them
(previews, EXIF, names, anything of unknown shape) is redacted, as the specification provides (C2PA 2.4, section 6.8):
nobody has screened it, and a released file must not carry it out. What cannot be kept this way is left out.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from watermark.c2pa import jumbf
from watermark.c2pa.building import Added
from watermark.c2pa.manifest import InputSource, Statement

_KEPT = (
    "c2pa.actions",
    "c2pa.hash.",
    "c2pa.ingredient",
    "c2pa.soft-binding",
    "c2pa.ai-disclosure",
    "c2pa.training-mining",
    "c2pa.time-stamp",
    "c2pa.certificate-status",
    "cawg.training-mining",
)
"""Assertions that say where an image comes from, by the beginnings of their labels; they hold no pixels."""

Labels = Mapping[str, Sequence[str]]
"""The labels of the assertions in each manifest of a file, by the manifest's id."""

LabelReader = Callable[[bytes, str], Labels | None]
"""Reads them from a file (bytes, MIME type); None if it has no credential, or none that can be read."""


class StandIn(Protocol):
    """A key that stands in for ours, and its certificates (PEM)."""

    @property
    def chain(self) -> bytes: ...

    @property
    def key(self) -> bytes: ...


class InputCredentials(Protocol):
    """Reads and takes over the credentials of input images: strangers' bytes."""

    def labels(self, data: bytes, mime: str) -> Labels | None:
        """As a LabelReader."""
        ...

    def embed(
        self,
        stand_in: StandIn,
        definition: Mapping[str, Any],
        data: bytes,
        mime: str,
        added: Sequence[Added],
        thumbnail: bytes | None,
    ) -> tuple[bytes, bytes] | None:
        """As `building.embedded`; None if the images cannot be taken over."""
        ...


_PARTS = {"c2pa.assertions", "c2pa.claim", "c2pa.claim.v2", "c2pa.signature"}
_MOST_BYTES = 256 * 1024
_JUMBF = b"jumb"


@dataclass(frozen=True, slots=True)
class KeptCredential:
    """An input image with credentials of its own: its label in the manifest, its bytes, and what to redact in it."""

    label: str
    source: InputSource
    data: bytes
    redactions: tuple[str, ...]


def kept(statement: Statement, inputs: Mapping[str, bytes], labels: LabelReader) -> list[KeptCredential]:
    """The input images of a statement whose credentials can be kept. `inputs`: their bytes, by SHA-256 (hex)."""
    found = []
    for label, source in statement.labelled_sources():
        data = inputs.get(source.sha256, b"")
        read = labels(data, source.mime) if _JUMBF in data else None
        if read is not None:
            found.append(KeptCredential(label, source, data, tuple(_unkept(read))))
    return found


def added(credentials: Sequence[KeptCredential]) -> list[Added]:
    """The images as ingredients, with their manifests."""
    return [Added(json.dumps(one.source.ingredient(one.label)), one.source.mime, one.data) for one in credentials]


def is_clean(store: bytes, beside: int = 0) -> bool:
    """Whether the manifests of ingredients hold nothing but what may be kept, and not too much of it.

    `beside`: bytes of the active manifest's own preview, which do not count.
    """
    (root,) = jumbf.boxes(store)
    active = jumbf.active_manifest(store)
    others = [box for box in jumbf.boxes(store, root.body, root.end) if box.label and box != active]
    return len(store) - beside <= _MOST_BYTES and all(_holds_only_kept(store, each) for each in others)


def _holds_only_kept(store: bytes, manifest: jumbf.Box) -> bool:
    for part in jumbf.boxes(store, manifest.body, manifest.end):
        if part.label and part.label not in _PARTS:
            return False
        if part.label == "c2pa.assertions":
            labels = [box.label for box in jumbf.boxes(store, part.body, part.end) if box.label]
            if not all(label.startswith(_KEPT) for label in labels):
                return False
    return True


def _unkept(labels: Labels) -> Iterator[str]:
    """URIs of the assertions to redact in every manifest of an image."""
    for identifier, assertions in labels.items():
        for label in assertions:
            if not label.startswith(_KEPT):
                yield f"self#jumbf=/c2pa/{identifier}/c2pa.assertions/{label}"
