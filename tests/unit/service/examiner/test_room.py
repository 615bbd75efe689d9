import threading

import pytest

from service.examiner.room import PixelRoom
from tests.support.waiting import LONGEST


def test_images_that_fit_are_examined_together_and_others_wait() -> None:
    room, entered, order = PixelRoom(100), threading.Event(), list[str]()

    def large() -> None:
        entered.set()
        with room.hold(90):
            order.append("large")

    with room.hold(60):
        with room.hold(40):
            order.append("small")
        thread = threading.Thread(target=large)
        thread.start()
        assert entered.wait(LONGEST)
        with room.hold(30):
            order.append("small")
    thread.join(LONGEST)
    assert order == ["small", "small", "large"]


def test_what_is_larger_than_the_room_is_examined_alone_and_an_error_leaves_it() -> None:
    room = PixelRoom(100)
    with pytest.raises(ZeroDivisionError), room.hold(1000):
        raise ZeroDivisionError
    with room.hold(100):
        pass
