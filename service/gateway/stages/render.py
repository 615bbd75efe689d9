"""Render: the model generates pixels that nothing has checked yet."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.gateway.edit_extent import EditExtent, extent
from service.gateway.execution import ReleaseObserver, expect, stage
from service.gateway.held_draft import HeldDraft, adapter_digests
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.types import Admitted, Draft
from service.generation import Backend, Energy, Job, Progress
from service.kit.deadline import within
from service.kit.errors import Unavailable
from service.media.pictures import frozen

_draft = claim_constructor(Draft)


class RenderStage:
    """Admitted -> Draft."""

    def __init__(self, backend: Backend, timeout: float) -> None:
        """`timeout`: seconds an image may take; waiting in the queue does not count."""
        self._backend = backend
        self._timeout = timeout

    def __call__(
        self, admitted: Admitted, observer: ReleaseObserver, steering: int = 0, spent: Energy | None = None
    ) -> Draft:
        """Generate the image. `steering`: see Job. `spent`: energy of earlier attempts, to which this one adds.

        Raises:
            Busy: the image waited too long for its turn.
            Refusal: the caller cancelled, or the model failed, was too slow, or returned something else than the image.
        """
        job = replace(require_sealed(admitted, Admitted).job, steering=steering)
        progress = Progress(self._timeout, observer.on_step, observer.on_wait, observer.cancelled)
        with stage("render", observer):
            rgb = within(self._timeout, lambda: self._backend.render(job, progress), progress.left)
            expect(rgb.dtype == np.uint8, "the model returned pixels that are not 8-bit")
            expect(rgb.shape == (job.height, job.width, 3), f"the model returned pixels of shape {rgb.shape}")
            return _draft(admitted, frozen(rgb), steering, _total(spent, progress.energy), _edit(job, rgb))

    def resume(self, admitted: Admitted, held: HeldDraft) -> Draft:
        """The pixels of a held image, as they were generated.

        Raises:
            Unavailable: one of its adapters has another file now.
        """
        if adapter_digests(require_sealed(admitted, Admitted).job) != held.adapters:
            raise Unavailable("the image used an adapter that has changed since", hint="Order another image.")
        return _draft(admitted, frozen(held.rgb), held.steering, held.energy, _edit(admitted.job, held.rgb))


def _edit(job: Job, rgb: NDArray[np.uint8]) -> EditExtent | None:
    """What an edit changed; None if there is no image to edit."""
    return extent(job.canvas, rgb) if job.canvas else None


def _total(spent: Energy | None, more: Energy | None) -> Energy | None:
    return spent + more if spent and more else spent or more
