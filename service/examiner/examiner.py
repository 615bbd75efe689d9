"""The examiner: a file's bytes become a report. It runs the lanes of evidence and knows none of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes import Lane
from service.examiner.report import Asset, Report, compose
from service.examiner.room import PixelRoom
from service.kit import tracing
from service.kit.errors import BrokenPicture, InputError, UnsupportedFormat, UnsupportedPixels
from service.kit.metrics import EXAMINATIONS
from service.media.heatmaps import enlarged, overlay
from service.media.pictures import ImageLimits, decode_first, encode, metadata_of, preview, promised_pixels, reduced
from watermark import Effort

_PREVIEW = 640
_CLAIM_THUMBNAIL = "c2pa.thumbnail.claim"  # of the image itself; those of ingredients have another name
_OCTETS = "application/octet-stream"  # for files that do not say what they are


@dataclass(frozen=True, slots=True)
class IllustratedReport:
    """A report with pictures, all of them JPEGs of our own making.

    `preview`: the image, at most 640 px wide or high; None if its pixels were not examined. `evidence`: the same size,
    with the places coloured where a watermark is left; None if none was found. `thumbnails`: those in the credential,
    by their places in the manifest store. `issued`: the image that a watermark was issued on, where it was moved from
    there, if the credential that was issued with it has a thumbnail. The ledger itself keeps no pixels.
    """

    report: Report
    preview: bytes | None
    evidence: bytes | None
    thumbnails: Mapping[str, bytes]
    issued: bytes | None = None


class Examiner:
    """Reads files against one ledger, one watermark key and one set of trust lists. Thread-safe; no torch."""

    def __init__(self, sources: Sources, limits: ImageLimits, lanes: Sequence[Lane[Any]]) -> None:
        self._sources = sources
        self._limits = limits
        self._lanes = lanes
        self._room = PixelRoom(limits.max_pixels)

    def examine(
        self,
        data: bytes,
        name: str = "-",
        *,
        classify: bool = True,
        manifest: bytes | None = None,
        effort: Effort | None = None,
    ) -> Report:
        """Everything known about a file. `name` only labels the report; the classifiers cost most of the time.

        Of a file that can carry a credential and whose pixels cannot be decoded here, such as a film, a document or a
        cut image, the credential is read all the same. `manifest`: a credential that came beside the file. `effort`:
        how long to look for our watermark; by default as the settings say.

        Raises:
            InputError: the bytes are nothing that can be read (see `pictures.decode_first`).
            Unavailable: the ledger does not answer; a report without it would be false.
            Busy: other images left no memory for this one (see `room`).
        """
        with self._room.hold(promised_pixels(data)):
            return self._examined(data, name, classify, manifest, effort)[0]

    def illustrate(self, data: bytes, name: str = "-", manifest: bytes | None = None) -> IllustratedReport:
        """The report of `examine`, with pictures for people. The file is decoded once, and searched once.

        Raises:
            InputError, Unavailable, Busy: as `examine`.
        """
        with self._room.hold(promised_pixels(data)):
            report, examination = self._examined(data, name, True, manifest)
            preview, evidence = (None, None) if examination is None else self._views(examination)
        issued = self.issued_preview(report, data)
        return IllustratedReport(report, preview, evidence, self.thumbnails(data, manifest), issued)

    def issued_preview(self, report: Report, data: bytes) -> bytes | None:
        """The image that a watermark of `report` was moved from, as in `IllustratedReport`. `data`: the file.

        Raises Unavailable: the ledger does not answer.
        """
        ids = (mark.issued.content_id for mark in report.marked if mark.issued and mark.resemblance == "other")
        issue = next((issue for each in ids if (issue := self._sources.ledger.by_content_id(each))), None)
        found = self._sources.credentials.thumbnails(data, _OCTETS, issue.manifest) if issue else {}
        thumbnail = next((one for place, one in found.items() if _CLAIM_THUMBNAIL in place), None)
        return self.preview(thumbnail) if thumbnail else None

    def crjson(self, data: bytes, manifest: bytes | None = None) -> str | None:
        """The credential as crJSON, the C2PA's JSON for reports; None if there is none or it cannot be read."""
        return self._sources.credentials.crjson(data, _OCTETS, manifest)

    def preview(self, data: bytes) -> bytes | None:
        """The image at most 640 px wide or high, as a JPEG of our own making; None if it cannot be decoded."""
        try:
            return preview(decode_first(data, self._limits).rgb, _PREVIEW)
        except InputError:
            return None

    def thumbnails(self, data: bytes, manifest: bytes | None = None) -> dict[str, bytes]:
        """The thumbnails in the credential by their places in the store, decoded and encoded again as JPEG."""
        found = self._sources.credentials.thumbnails(data, _OCTETS, manifest)
        made = ((place, self.preview(thumbnail)) for place, thumbnail in found.items())
        return {place: thumbnail for place, thumbnail in made if thumbnail}

    def _examined(
        self, data: bytes, name: str, classify: bool, manifest: bytes | None, effort: Effort | None = None
    ) -> tuple[Report, Examination | None]:
        """The report, and what was examined if there were pixels. Call it with room for them."""
        try:
            picture = decode_first(data, self._limits)
        except (UnsupportedFormat, BrokenPicture, UnsupportedPixels) as unread:
            return self._without_pixels(data, name, manifest, unread), None
        effort = effort or Effort(self._sources.settings.watermark_search)
        examination = Examination(picture, self._sources, classify=classify, manifest=manifest, effort=effort)
        findings = [(lane.field, _found(lane, examination)) for lane in self._lanes]
        return _counted(compose(name, Asset.of(picture), findings)), examination

    def _views(self, examination: Examination) -> tuple[bytes, bytes | None]:
        """JPEGs of the image and, over it, of where evidence was found. Reduced first: an image may be very large."""
        small, cells = reduced(examination.picture.rgb, _PREVIEW), self._heat(examination)
        preview = encode(small, "jpeg")[0]
        if cells is None:
            return preview, None
        return preview, encode(overlay(small, enlarged(cells, small.shape[:2])), "jpeg")[0]

    def _heat(self, examination: Examination) -> NDArray[np.float32] | None:
        maps = (lane.heatmap(examination) for lane in self._lanes)
        return next((each for each in maps if each is not None), None)

    def _without_pixels(self, data: bytes, name: str, manifest: bytes | None, unread: InputError) -> Report:
        """What the file claims and declares.

        Raises `unread` for a damaged image without a credential, and for what can carry none.
        """
        presence = self._sources.credentials.presence(data)
        carried = manifest is not None or presence.embedded or presence.remote_url is not None
        if presence.mime is None or not (carried or isinstance(unread, UnsupportedFormat)):
            raise unread
        file = FileExamination(data, presence.mime, self._sources, manifest, metadata_of(data, self._limits))
        findings = [(lane.field, lane.find_without_pixels(file)) for lane in self._lanes]
        found = [(field, each) for field, each in findings if each is not None]
        return _counted(compose(name, Asset.unexamined(file, unread.message), found))

    def heatmap(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
        """The image (uint8[H, W, 3]) and how strong the evidence is at each place of it (float32[H, W] in 0..1).

        NaN where nothing was searched; None if no lane found evidence that has a place, or there are no pixels.

        Raises:
            TooLarge, Unavailable, Busy: as `examine`.
        """
        with self._room.hold(promised_pixels(data)):
            try:
                examination = Examination(decode_first(data, self._limits), self._sources)
            except (UnsupportedFormat, BrokenPicture, UnsupportedPixels):
                return None
            found, rgb = self._heat(examination), examination.picture.rgb
            return None if found is None else (rgb, enlarged(found, rgb.shape[:2]))


def _counted(report: Report) -> Report:
    EXAMINATIONS.labels(report.verdict.value).inc()
    return report


def _found(lane: Lane[Any], examination: Examination) -> Any:
    with tracing.span(f"examine {lane.field}"):
        return lane.find(examination)
