import pytest

from service.kit.errors import TooLarge
from service.media.headers.header import Counter, Header


def test_memory_is_what_pixels_take_and_the_rest() -> None:
    header = Header("PNG", 1000, 500, 4.5, extra=7)
    assert header.pixels == 500_000
    assert header.memory == 2_250_007 + 20 * 500_000


def test_counting_ends_with_one_too_many() -> None:
    counter = Counter("things", 2)
    counter.add()
    counter.add()
    with pytest.raises(TooLarge, match="more than 2 things"):
        counter.add()
