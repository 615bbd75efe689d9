import threading

import pytest

from service.examiner.room import PixelRoom
from service.kit.errors import Busy
from tests.support.waiting import LONGEST, until


def test_images_that_fit_are_examined_together() -> None:
    room = PixelRoom(100)
    with room.hold(60), room.hold(40):
        pass


def test_a_large_image_goes_before_the_small_ones_that_came_later() -> None:
    room, order = PixelRoom(100), list[str]()

    def hold(pixels: int, name: str) -> None:
        with room.hold(pixels):
            order.append(name)

    large, small = (threading.Thread(target=hold, args=args) for args in ((90, "large"), (30, "small")))
    with room.hold(60):
        large.start()
        until(lambda: len(room._line) == 1)
        small.start()  # it would fit beside the 60
        until(lambda: len(room._line) == 2)
        assert not order
    for thread in (large, small):
        thread.join(LONGEST)
    assert order == ["large", "small"]


def test_who_waits_too_long_is_told_to_come_again_and_blocks_nobody() -> None:
    room = PixelRoom(100, patience=0.01)
    with room.hold(60):
        with pytest.raises(Busy, match="no memory for this one") as caught, room.hold(90):
            pytest.fail("there was no room")
        assert caught.value.retry_after == 10
        with room.hold(40):
            pass


def test_what_is_larger_than_the_room_is_examined_alone_and_an_error_leaves_it() -> None:
    room = PixelRoom(100)
    with pytest.raises(ZeroDivisionError), room.hold(1000):
        raise ZeroDivisionError
    with room.hold(100):
        pass
