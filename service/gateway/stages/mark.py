"""Mark: the visible label and the watermark go in, the file is written, and the watermark is read back from it."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors import fingerprint
from service.gateway.execution import ReleaseObserver, expect, stage
from service.gateway.options import OWN_FILE_LIMITS
from service.gateway.stages.earlier_marks import earlier_marks
from service.gateway.stages.labelling import Labelling
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.types import Cleared, Draft, Imprint, Marked
from service.kit.deadline import Running
from service.kit.errors import StageFailed, Unmarkable
from service.media.pictures import OWN_QUALITY, decode, encode, frozen
from watermark import Codec, Effort, Reading
from watermark.errors import WatermarkNotReadable

_marked = claim_constructor(Marked)

# The finished file must show the screened image: a watermark (36 dB or better) and a lossy format at quality 92 stay
# above this together, another image never does.
_LEAST_PSNR = 28.0
_SMALLER = "Nothing was released. Raise output_compression, or leave it out."


class MarkStage:
    """Cleared -> Marked."""

    def __init__(self, codec: Codec, labelling: Labelling, timeout: float) -> None:
        """`timeout`: seconds to wait for the watermark, from when the checks have passed."""
        self._codec = codec
        self._labelling = labelling
        self._timeout = timeout

    def start(self, draft: Draft) -> Running[Imprint]:
        """Start to watermark the draft, in a thread of its own."""
        return Running(partial(self._imprint, require_sealed(draft, Draft)))

    def __call__(self, cleared: Cleared, observer: ReleaseObserver) -> Marked:
        """Wait for the watermarked file.

        Raises:
            Unmarkable: the image hides the watermark; ordering it again does not help.
            Refusal: watermarking failed or was too slow, or the mark does not read back.
        """
        marking = require_sealed(cleared, Cleared).marking
        with stage("mark", observer):
            try:
                return _marked(cleared, marking.result(self._timeout))
            except WatermarkNotReadable as unreadable:
                raise Unmarkable(str(unreadable), stage="mark") from unreadable

    def _imprint(self, draft: Draft) -> Imprint:
        """Label, watermark and encode the draft, then decode the file and read the mark as anybody else would."""
        mark_id = draft.admitted.mark_id
        labelled = self._labelling.drawn(draft)
        marked = frozen(self._codec.embed(labelled.rgb, mark_id))
        order, metadata = draft.admitted.order, self._labelling.metadata(draft.admitted)
        data, mime = encode(marked, draft.admitted.format, metadata, order.file_quality)
        decoded = decode(data, OWN_FILE_LIMITS).rgb
        # Compared with the draft, not with the watermarked pixels: the embedder itself may be at fault.
        shows = _psnr(decoded, labelled.rgb) >= _LEAST_PSNR
        reading = self._read(decoded, mark_id)
        if (not shows or reading is None) and order.file_quality < OWN_QUALITY:
            raise Unmarkable("the file that was asked for is too small for this image", stage="mark", hint=_SMALLER)
        expect(shows, "the file does not show the screened image")
        self._labelling.check_visible(labelled, decoded)
        if reading is None or reading.mark_id != mark_id:
            raise StageFailed("the mark does not read back from the file", stage="mark")
        edited = bool(draft.admitted.inputs)
        earlier = earlier_marks(self._codec, labelled.rgb, decoded, mark_id, from_input=edited)
        return Imprint(data, mime, fingerprint(marked), decoded, reading.confidence, labelled.text, earlier)

    def _read(self, rgb: NDArray[np.uint8], mark_id: int) -> Reading | None:
        """The mark of this image, if it is there; else any other. An image can carry an earlier mark, too."""
        first = self._codec.extract(rgb)
        if first is None or first.mark_id == mark_id:
            return first
        every = self._codec.read(rgb, Effort.ISSUED).readings
        return next((reading for reading in every if reading.mark_id == mark_id), first)


def _psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB; -inf for images of different shapes."""
    if a.shape != b.shape:
        return -np.inf
    error = float(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2))
    return np.inf if error == 0 else 10 * float(np.log10(255**2 / error))
