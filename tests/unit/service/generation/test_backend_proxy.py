import numpy as np
import pytest
from numpy.typing import NDArray

from service.generation import Backend, Job, OnStep
from service.generation.backend_proxy import BackendProxy
from service.kit.errors import BadRequest, Busy
from tests.support.painter import Painter

HANDED_ON = [name for name in dir(Backend) if not name.startswith("_") and name != "render"]
JOB = Job("a lake", "", 1, 64, 64, 2, 1.0)


class Enlarging(BackendProxy):
    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        return self._backend.render(job, on_step)


class Full(Enlarging):
    def check_room(self) -> None:
        raise Busy("it is full", retry_after=3)


@pytest.mark.parametrize("name", HANDED_ON)
def test_it_has_everything_that_a_backend_has_but_rendering(name: str) -> None:
    painter = Painter()
    handed, own = getattr(BackendProxy(painter), name), getattr(painter, name)
    assert callable(own) or handed == own
    assert not hasattr(BackendProxy, "render")


def test_questions_reach_the_backend_behind_it() -> None:
    proxy = BackendProxy(Painter())
    assert proxy.fitting(65, 71) == (64, 64)
    assert proxy.check(JOB) == ()
    with pytest.raises(BadRequest):
        proxy.check(Job("a lake", "", 1, 65, 64, 2, 1.0))


def test_room_is_asked_for_through_any_number_of_proxies() -> None:
    BackendProxy(Enlarging(Painter())).check_room()
    with pytest.raises(Busy):
        BackendProxy(Enlarging(Full(Painter()))).check_room()
