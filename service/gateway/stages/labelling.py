"""Labels in the gateway: drawn before the watermark, written before the signature, and proved in the finished file."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import read_metadata
from service.gateway.execution import expect
from service.gateway.options import GatewayOptions
from service.gateway.stages.attribution import attribution
from service.gateway.stages.types import Admitted, Draft
from service.labels.labelling import Labels, missing
from service.labels.profile import Facts
from service.labels.visible import Labelled
from service.media.file_metadata import FileMetadata

# Of the label's box: text against its background is near 12 dB, a watermark and a lossy format stay above 24.
_LEAST_LABEL_PSNR = 18.0


@dataclass(frozen=True, slots=True)
class Labelling:
    """The operator's labels, applied to admitted orders."""

    labels: Labels
    provider: str

    @classmethod
    def of(cls, options: GatewayOptions) -> "Labelling":
        return cls(options.labels, options.provider)

    def drawn(self, draft: Draft) -> Labelled:
        """The draft's pixels, with the visible label if one is wanted. Raises Unexpected if more changed."""
        labelled = self.labels.drawn(draft.rgb, wanted=draft.admitted.order.visible_label)
        if labelled.box:
            outside = labelled.rgb.copy()
            labelled.box.of(outside)[:] = labelled.box.of(draft.rgb)
            expect(np.array_equal(outside, draft.rgb), "the label changed more than its box")
        return labelled

    def metadata(self, admitted: Admitted) -> FileMetadata:
        """What is written into the image's file."""
        return self.labels.metadata(self._facts(admitted))

    def check_visible(self, labelled: Labelled, decoded: NDArray[np.uint8]) -> None:
        """Raises Unexpected unless the file, decoded, shows the label that was drawn."""
        if labelled.box:
            difference = labelled.box.of(decoded).astype(np.float32) - labelled.box.of(labelled.rgb)
            error = float(np.mean(difference**2))
            expect(error <= 255**2 / 10 ** (_LEAST_LABEL_PSNR / 10), "the file does not show the visible label")

    def check_written(self, admitted: Admitted, data: bytes) -> None:
        """Raises Unexpected unless every field that the laws ask for reads back from the finished file."""
        wanted = self.metadata(admitted)
        if wanted:
            lost = missing(wanted, read_metadata(data), admitted.format)
            expect(not lost, f"the file lacks {', '.join(lost)}")

    def _facts(self, admitted: Admitted) -> Facts:
        return Facts(
            **attribution(admitted, self.provider),
            edited=any(source.role == "image" for source in admitted.inputs),
            producer=self.labels.producer,
        )
