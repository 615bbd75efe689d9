"""Render and screen; generate an unsafe image again, steered away from what made it unsafe, before refusing it.

A prompt that asks for nothing unsafe can still give an unsafe image (a "beautiful woman" naked).
"""

import structlog

from service.gateway.execution import ReleaseObserver
from service.gateway.stages import Admitted, Cleared, RenderStage, ScreenStage
from service.generation import Backend
from service.kit.errors import Busy, Cancelled, StageFailed, Unsafe

log = structlog.get_logger()


class Steering:
    """Admitted -> Draft -> Cleared, in as many attempts as the operator allows."""

    def __init__(self, render: RenderStage, screen: ScreenStage, backend: Backend, retries: int) -> None:
        self._render = render
        self._screen = screen
        self._backend = backend
        self._retries = retries

    def generate(self, admitted: Admitted, observer: ReleaseObserver) -> Cleared:
        """The first attempt that passes the checks.

        Raises:
            Busy, Refusal: as the stages. If no attempt passes, the refusal of the first one.
        """
        draft = self._render(admitted, observer)
        try:
            return self._screen(draft, observer)
        except Unsafe as refusal:
            unsafe = refusal.amended()  # without the traceback, which holds the pixels
        for steering in range(1, self._attempts(admitted) + 1):
            log.info("steered", content_id=admitted.content_id, steering=steering)
            try:
                draft = self._render(admitted, observer, steering, draft.energy)
                return self._screen(draft, observer)
            except Unsafe:
                continue
            except Cancelled as cancelled:  # "render" even where it waited: an image was generated before
                raise cancelled.amended(stage="render") from cancelled
            except (StageFailed, Busy):  # the image is at fault, not that another one could not be generated
                break
        raise unsafe

    def _attempts(self, admitted: Admitted) -> int:
        """How many more; without guidance there is nothing to steer."""
        return min(self._retries, self._backend.most_steering) if admitted.job.guidance > 1 else 0
