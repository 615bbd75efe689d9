"""The examiner: a file's bytes become a report. It runs the lanes of evidence and knows none of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.examiner.examination import Examination, Sources
from service.examiner.lanes import Lane
from service.examiner.report import Asset, Report, compose
from service.media.pictures import ImageLimits, decode_first


class Examiner:
    """Reads files against one ledger, one watermark key and one set of trust lists. Thread-safe; no torch."""

    def __init__(self, sources: Sources, limits: ImageLimits, lanes: Sequence[Lane[Any]]) -> None:
        self._sources = sources
        self._limits = limits
        self._lanes = lanes

    def examine(self, data: bytes, name: str = "-", *, classify: bool = True) -> Report:
        """Everything known about a file. `name` only labels the report; the classifiers cost most of the time.

        Raises:
            InputError: the bytes are not an image that can be read (see `pictures.decode_first`).
            Unavailable: the ledger does not answer; a report without it would be false.
        """
        examination = Examination(decode_first(data, self._limits), self._sources, classify=classify)
        findings = [(lane.field, lane.find(examination)) for lane in self._lanes]
        return compose(name, Asset.of(examination.picture), findings)

    def heatmap(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
        """The image (uint8[H, W, 3]) and how strong the evidence is at each place of it (float32[H, W] in 0..1).

        NaN where nothing was searched; None if no lane found evidence that has a place. Raises InputError as `examine`.
        """
        examination = Examination(decode_first(data, self._limits), self._sources)
        maps = (lane.heatmap(examination) for lane in self._lanes)
        found = next((each for each in maps if each is not None), None)
        return None if found is None else (examination.picture.rgb, found)
