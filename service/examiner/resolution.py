"""Manifests found again by what no re-saving strips: the watermark and the look of an image.

What the C2PA Soft Binding Resolution API asks for, without HTTP. Only this installation's own images are known.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from detectors import fingerprint
from service.examiner.policy import LOWEST_FINGERPRINT_QUALITY, SAME_IMAGE_DISTANCE, same_image
from service.examiner.resemblance import Resemblance, compared
from service.kit.errors import BadRequest, NotFound
from service.ledger.ledger import Issue, Ledger
from service.media.pictures import Picture
from watermark import Codec
from watermark.c2pa import jumbf
from watermark.c2pa.manifest import MARK_BYTES

WATERMARK = Codec.ALGORITHM
WATERMARKS = tuple(reversed(Codec.ALGORITHMS.values()))
"""The algorithm of new marks, then older ones. Each names the same id, whichever the caller read."""
FINGERPRINT = "org.countermark.pdq.1"
"""PDQ, 256 bits. It is our name for it: the public list of algorithms has none for PDQ."""

_FINGERPRINT_BYTES = 32
_SCORES: Mapping[bool | None, int] = {True: 100, None: 50, False: 0}
"""Of a watermark, by whether the image is the one that it was issued on."""
_PART_SCORE = 75
_MOST = 100
"""Matches of one answer, whatever was asked for."""


@dataclass(frozen=True, slots=True)
class Match:
    """A manifest that was issued with a matching image. `score`: 0 (weakest) to 100, where a match has degrees."""

    manifest_id: str
    score: int | None = None


class SoftBindings:
    """Resolves soft bindings against the ledger. Thread-safe. Every method may raise Unavailable."""

    def __init__(self, ledger: Ledger, codec: Codec) -> None:
        self._ledger = ledger
        self._codec = codec

    def by_binding(self, algorithm: str, value: str, most: int) -> list[Match]:
        """Manifests with this soft binding; `value` is base64 of a watermark's 6 or a fingerprint's 32 bytes.

        Raises:
            BadRequest: another algorithm, or not such a value.
        """
        return _first(most, self._bound(algorithm, _decoded(value, _length(algorithm))))

    def by_content(
        self, picture: Picture, most: int, algorithm: str | None = None, hint: tuple[str, str] | None = None
    ) -> list[Match]:
        """Manifests of images with this one's watermark or look; with `algorithm`, by that alone.

        `hint`: an algorithm and value that the caller has read, tried as well.

        Raises:
            BadRequest: another algorithm than those two, or a hint that is none.
        """
        if algorithm is not None:
            _length(algorithm)
        found = [*self.by_binding(*hint, _MOST)] if hint else []
        if algorithm in (None, *WATERMARKS):
            found += self._marked(picture)
        if algorithm in (None, FINGERPRINT):
            found += self._alike(picture)
        return _first(most, found)

    def manifest(self, manifest_id: str, *, active_only: bool) -> bytes:
        """The manifest store that was issued under this identifier, or its active manifest alone.

        Raises:
            NotFound: no image was issued with it.
        """
        issue = self._ledger.by_manifest(manifest_id)
        if issue is None:
            raise NotFound("no image was issued here with this manifest", hint="Check the identifier.")
        return jumbf.only_active(issue.manifest) if active_only else issue.manifest

    def _bound(self, algorithm: str, value: bytes) -> Iterator[Match]:
        if algorithm in WATERMARKS:
            issue = self._ledger.by_mark(int.from_bytes(value, "big"))
            yield from _matches([(issue, None)] if issue else [])
        else:
            near = self._ledger.similar(value, SAME_IMAGE_DISTANCE, _MOST)
            yield from _matches((issue, _score(bits)) for issue, bits in near)

    def _marked(self, picture: Picture) -> list[Match]:
        """A watermark can be copied onto another image: the score says whether this is the image it was issued on."""
        reading = self._codec.extract(picture.rgb)
        issue = self._ledger.by_mark(reading.mark_id) if reading else None
        if reading is None or issue is None:
            return []
        found = compared(picture.rgb, fingerprint(picture.rgb), reading, issue)
        return list(
            _matches([(issue, _PART_SCORE if found.resemblance is Resemblance.PART else _SCORES[found.same_image])])
        )

    def _alike(self, picture: Picture) -> list[Match]:
        look = fingerprint(picture.rgb)
        if look.quality < LOWEST_FINGERPRINT_QUALITY:
            return []
        near = self._ledger.similar(look.bits, SAME_IMAGE_DISTANCE, _MOST)
        return list(
            _matches(
                (issue, _score(bits))
                for issue, bits in near
                if same_image(look, issue.fingerprint, issue.fingerprint_quality)
            )
        )


def _matches(found: Iterable[tuple[Issue, int | None]]) -> Iterator[Match]:
    for issue, score in found:
        try:
            yield Match(jumbf.active_manifest(issue.manifest).label, score)
        except ValueError:  # an image of a ledger that was altered
            continue


def _first(most: int, found: Iterable[Match]) -> list[Match]:
    """The first of each manifest, which came by the strongest evidence."""
    return list({match.manifest_id: match for match in reversed([*found])}.values())[::-1][: min(most, _MOST)]


def _score(distance: int) -> int:
    """100 for the same fingerprint, falling to 3 at the largest distance that matches."""
    return round(100 * (1 - distance / (SAME_IMAGE_DISTANCE + 1)))


def _length(algorithm: str) -> int:
    lengths = {**dict.fromkeys(WATERMARKS, MARK_BYTES), FINGERPRINT: _FINGERPRINT_BYTES}
    if algorithm not in lengths:
        raise BadRequest(
            f"the soft binding algorithm is not one of {', '.join(lengths)}",
            hint="GET /v1/services/supportedAlgorithms lists them.",
        )
    return lengths[algorithm]


def _decoded(value: str, length: int) -> bytes:
    try:
        data = b64decode(value, validate=True)
    except (binascii.Error, ValueError) as other:
        raise BadRequest("the value is not base64", hint="Encode it as standard base64 with padding.") from other
    if len(data) != length:
        raise BadRequest(f"the value has {len(data)} bytes; this algorithm's have {length}")
    return data
