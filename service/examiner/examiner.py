"""The examiner: a file's bytes become a report. It runs the lanes of evidence and knows none of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes import Lane
from service.examiner.report import Asset, Report, compose
from service.examiner.room import PixelRoom
from service.kit.errors import BrokenPicture, InputError, UnsupportedFormat, UnsupportedPixels
from service.kit.metrics import EXAMINATIONS
from service.media.pictures import ImageLimits, decode_first, metadata_of, preview, promised_pixels

_PREVIEW = 640
_OCTETS = "application/octet-stream"  # for files that do not say what they are


class Examiner:
    """Reads files against one ledger, one watermark key and one set of trust lists. Thread-safe; no torch."""

    def __init__(self, sources: Sources, limits: ImageLimits, lanes: Sequence[Lane[Any]]) -> None:
        self._sources = sources
        self._limits = limits
        self._lanes = lanes
        self._room = PixelRoom(limits.max_pixels)

    def examine(self, data: bytes, name: str = "-", *, classify: bool = True, manifest: bytes | None = None) -> Report:
        """Everything known about a file. `name` only labels the report; the classifiers cost most of the time.

        Of a file that can carry a credential and whose pixels cannot be decoded here, such as a film, a document or a
        cut image, the credential is read all the same. `manifest`: a credential that came beside the file.

        Raises:
            InputError: the bytes are nothing that can be read (see `pictures.decode_first`).
            Unavailable: the ledger does not answer; a report without it would be false.
        """
        with self._room.hold(promised_pixels(data)):
            try:
                picture = decode_first(data, self._limits)
            except (UnsupportedFormat, BrokenPicture, UnsupportedPixels) as unread:
                return self._without_pixels(data, name, manifest, unread)
            examination = Examination(picture, self._sources, classify=classify, manifest=manifest)
            findings = [(lane.field, lane.find(examination)) for lane in self._lanes]
            return _counted(compose(name, Asset.of(picture), findings))

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
            TooLarge, Unavailable: as `examine`.
        """
        with self._room.hold(promised_pixels(data)):
            try:
                examination = Examination(decode_first(data, self._limits), self._sources)
            except (UnsupportedFormat, BrokenPicture, UnsupportedPixels):
                return None
            maps = (lane.heatmap(examination) for lane in self._lanes)
            found = next((each for each in maps if each is not None), None)
            return None if found is None else (examination.picture.rgb, found)


def _counted(report: Report) -> Report:
    EXAMINATIONS.labels(report.verdict.value).inc()
    return report
