"""Stock marks of other generators. What the package itself does is tested where the extra is installed."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, cartoon, photo
from watermark.foreign import stock
from watermark.foreign.stock import MAX_BITS, MIN_BITS, ODDS, STOCK, Message, StockMarks, bits_of, enough, is_plain

with_extra = pytest.mark.skipif(
    not stock.available(),
    reason="SKIPPED: extra foreign-marks missing: pip install --no-deps invisible-watermark PyWavelets",
)
OURS = Message("our archive", "dwtDctSvd", bits_of("an archive"), synthetic=False)
RIVA = Message("a studio", "rivaGan", bits_of("stud"))


def stamped(rgb: Rgb, message: Message) -> Rgb:
    from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    encoder.set_watermark("bits", list(message.bits))
    if message.method == "rivaGan":
        encoder.loadModel()
    return np.ascontiguousarray(encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), message.method)[..., ::-1])


def test_the_published_constants() -> None:
    assert [(one.payload, len(one.bits)) for one in STOCK] == [
        ("537461626c65446966667573696f6e5631", 136),
        ("53445632", 32),
        ("b3ec907bb19e", 48),
        ("2afe879cf52e", 46),
    ]
    assert bytes.fromhex(STOCK[0].payload) == b"StableDiffusionV1"


@pytest.mark.parametrize("bits", [MIN_BITS, 32, 46, 48, 136])
def test_enough_is_what_coins_hardly_reach(bits: int) -> None:
    from math import comb

    def chance(least: int) -> float:
        result: float = sum(comb(bits, right) for right in range(least, bits + 1)) / 2**bits
        return result

    assert chance(enough(bits)) <= ODDS < chance(enough(bits) - 1)


def test_too_few_bits_can_never_be_enough() -> None:
    assert enough(MIN_BITS - 1) > MIN_BITS - 1


@pytest.mark.parametrize("bits", [MAX_BITS - 1, MAX_BITS, 4 * MAX_BITS])
def test_enough_is_known_of_long_messages_too(bits: int) -> None:
    """Where floats would overflow. Between five and six standard deviations above half."""
    assert 5 < (enough(bits) - bits / 2) / (bits**0.5 / 2) < 6


Says = Callable[[NDArray[np.uint8], str, int], object]
"""(BGR pixels, method, length of the message) -> what the decoder gives."""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Says], None]:
    """Blocks and the package, decoded as they are told to."""

    def install(says: Says) -> None:
        blocks = lambda bgr, method: says(bgr, method, (bgr.shape[0] // 8) * (bgr.shape[1] // 8))  # noqa: E731
        monkeypatch.setattr(stock, "block_bits", blocks)
        decoder = lambda kind, length: SimpleNamespace(decode=lambda bgr, method: says(bgr, method, length))  # noqa: E731
        monkeypatch.setattr(stock, "_package", lambda: SimpleNamespace(WatermarkDecoder=decoder))

    return install


def saying(bits: ArrayLike) -> Says:
    """The decoder that gives `bits`, over and over."""
    return lambda bgr, method, length: np.resize(bits, length)


def repeated(message: Message, length: int) -> np.ndarray:
    return np.resize(np.array(message.bits), length)


@pytest.mark.parametrize("message", STOCK)
def test_a_known_message_is_named(message: Message, fake: Callable[[Says], None]) -> None:
    fake(lambda bgr, method, length: repeated(message, length))
    (found,) = StockMarks().read(cartoon(1))
    assert (found.name, found.payload, found.confidence, found.synthetic) == (message.name, message.payload, 1.0, True)


def test_either_order_of_the_colours_is_read(fake: Callable[[Says], None]) -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[..., 0] = 9
    for first in (0, 9):
        says = lambda bgr, method, length, first=first: repeated(STOCK[2], length) * (bgr[0, 0, 0] == first)  # noqa: E731
        fake(says)
        assert [found.name for found in StockMarks().read(picture)] == [STOCK[2].name]


def test_a_few_wrong_bits_are_forgiven_and_no_more(fake: Callable[[Says], None]) -> None:
    bits = np.array(STOCK[2].bits)
    for wrong, count in ((5, 1), (6, 0)):
        flipped = bits.copy()
        flipped[:wrong] ^= 1
        fake(saying(flipped))
        assert len(StockMarks().read(cartoon(1))) == count


@pytest.mark.parametrize("shape", [(8, 8), (255, 255), (9, 20_000), (20_000, 9), (256, 4000), (3000, 2000)])
def test_every_size_is_welcome(shape: tuple[int, int], fake: Callable[[Says], None]) -> None:
    asked: list[tuple[tuple[int, ...], int]] = []

    def says(bgr: np.ndarray, method: str, length: int) -> np.ndarray:
        asked.append((bgr.shape, length))
        return np.zeros(length)

    fake(says)
    assert StockMarks().read(np.zeros((*shape, 3), np.uint8)) == []
    for (high, wide, _), length in asked:
        assert 0 < length == (high // 8) * (wide // 8) <= 20_000


def test_a_long_message_does_not_switch_off_the_others(fake: Callable[[Says], None]) -> None:
    fake(lambda bgr, method, length: repeated(STOCK[2], length))
    (found,) = StockMarks([Message("long", "dwtDct", bits_of("x" * 200)), *STOCK]).read(cartoon(1))
    assert found.name == STOCK[2].name


@pytest.mark.parametrize("said", [0, 1])
def test_what_plain_pictures_say_by_themselves_is_no_mark(said: int, fake: Callable[[Says], None]) -> None:
    message = Message("plain", "dwtDct", (said,) * 32)
    assert is_plain(message.bits)
    fake(lambda bgr, method, length: np.full(length, said))
    assert StockMarks([message, *STOCK]).read(cartoon(1)) == []


def test_a_reading_that_is_nearly_constant_never_counts(fake: Callable[[Says], None]) -> None:
    """A message just mixed enough to be listed is not found where hardly anything but zeros is said."""
    need = enough(32)
    message = Message("just mixed", "dwtDct", (0,) * (need - 1) + (1,) * (33 - need))
    assert not any(is_plain(one.bits) for one in (message, *STOCK))
    for ones, count in ((33 - need, 1), (32 - need, 0)):
        fake(saying([0] * (32 - ones) + [1] * ones))
        assert len(StockMarks([message]).read(cartoon(1))) == count


@pytest.mark.parametrize("shape", [(256, 256), (8000, 8000), (4000, 600), (100, 4000), (4000, 100), (7, 30_000)])
def test_rivagan_is_shown_the_middle_of_large_pictures(
    shape: tuple[int, int], fake: Callable[[Says], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its network takes seconds and hundreds of megabytes for a megapixel, and anybody may send 64."""
    shown: list[np.ndarray] = []
    monkeypatch.setattr(stock, "_load_rivagan", lambda: None)

    def says(bgr: np.ndarray, method: str, length: int) -> np.ndarray:
        shown.append(bgr)
        return repeated(RIVA, length)

    fake(says)
    picture = np.zeros((*shape, 3), np.uint8)
    middle = shape[0] // 2, shape[1] // 2
    picture[middle[0] - 1 : middle[0] + 2, middle[1] - 1 : middle[1] + 2] = 255
    assert [found.name for found in StockMarks([RIVA]).read(picture)] == ["a studio"]
    for part in shown:
        high, wide = part.shape[:2]
        assert 256 * 256 <= high * wide <= 512 * 512
        assert part[high // 2, wide // 2].all()


@with_extra
@pytest.mark.parametrize("message", [*STOCK, OURS])
def test_real_marks_are_read(message: Message) -> None:
    (found,) = StockMarks([*STOCK, OURS]).read(stamped(photo("astronaut"), message))
    assert (found.name, found.synthetic) == (message.name, message.synthetic)


@with_extra
def test_marks_with_the_colours_in_the_wrong_order_are_read() -> None:
    picture = np.ascontiguousarray(photo("coffee")[..., ::-1])
    (found,) = StockMarks().read(np.ascontiguousarray(stamped(picture, STOCK[2])[..., ::-1]))
    assert found.name == "Stable Diffusion XL's stock mark"


@with_extra
def test_rivagan_is_read() -> None:
    (found,) = StockMarks([RIVA]).read(stamped(photo("chelsea", 256, 256), RIVA))
    assert found.name == "a studio"
    assert StockMarks([RIVA]).read(photo("chelsea", 256, 256)) == []


@with_extra
def test_rivagan_is_read_in_the_middle_of_a_larger_picture() -> None:
    assert [one.name for one in StockMarks([RIVA]).read(stamped(photo("coffee", 640, 600), RIVA))] == ["a studio"]


@pytest.mark.parametrize("name", PHOTOS)
def test_unmarked_pictures_carry_nothing(name: str) -> None:
    assert StockMarks([*STOCK, OURS]).read(photo(name)) == []


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_carry_nothing(level: int) -> None:
    assert StockMarks([*STOCK, OURS]).read(np.full((300, 300, 3), level, np.uint8)) == []
