"""Stock marks of other generators. What the package itself does is tested where the extra is installed."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.unit.watermark.pictures import PHOTOS, Rgb, cartoon, photo
from watermark import stock
from watermark.stock import MIN_BITS, ODDS, STOCK, Message, StockMarks, bits_of, enough

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
        return sum(comb(bits, right) for right in range(least, bits + 1)) / 2**bits

    assert chance(enough(bits)) <= ODDS < chance(enough(bits) - 1)


def test_too_few_bits_can_never_be_enough() -> None:
    assert enough(MIN_BITS - 1) > MIN_BITS - 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch):
    """The package, decoding what it is told to."""

    def install(says) -> None:
        decoder = lambda kind, length: SimpleNamespace(decode=lambda bgr, method: says(bgr, method, length))  # noqa: E731
        monkeypatch.setattr(stock, "_package", lambda: SimpleNamespace(WatermarkDecoder=decoder))

    return install


def repeated(message: Message, length: int) -> np.ndarray:
    return np.resize(np.array(message.bits), length)


@pytest.mark.parametrize("message", STOCK)
def test_a_known_message_is_named(message: Message, fake) -> None:
    fake(lambda bgr, method, length: repeated(message, length))
    (found,) = StockMarks().read(cartoon(1))
    assert (found.name, found.payload, found.confidence, found.synthetic) == (message.name, message.payload, 1.0, True)


def test_either_order_of_the_colours_is_read(fake) -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[..., 0] = 9
    for first in (0, 9):
        says = lambda bgr, method, length, first=first: repeated(STOCK[2], length) * (bgr[0, 0, 0] == first)  # noqa: E731
        fake(says)
        assert [found.name for found in StockMarks().read(picture)] == [STOCK[2].name]


def test_a_few_wrong_bits_are_forgiven_and_no_more(fake) -> None:
    bits = np.array(STOCK[2].bits)
    for wrong, count in ((5, 1), (6, 0)):
        flipped = bits.copy()
        flipped[:wrong] ^= 1
        fake(lambda bgr, method, length, flipped=flipped: np.resize(flipped, length))
        assert len(StockMarks().read(cartoon(1))) == count


@pytest.mark.parametrize(
    "shape", [(8, 8), (255, 255), (7, 20_000), (20_000, 7), (3, 30_000), (256, 4000), (3000, 2000)]
)
def test_every_size_is_welcome(shape: tuple[int, int], fake) -> None:
    asked: list[tuple[tuple[int, ...], int]] = []

    def says(bgr: np.ndarray, method: str, length: int) -> np.ndarray:
        asked.append((bgr.shape, length))
        return np.zeros(length)

    fake(says)
    assert StockMarks().read(np.zeros((*shape, 3), np.uint8)) == []
    for (high, wide, _), length in asked:
        assert high * wide >= 256 * 256
        assert 0 < length == (high // 8) * (wide // 8) <= 20_000


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
@pytest.mark.parametrize("name", PHOTOS)
def test_unmarked_pictures_carry_nothing(name: str) -> None:
    assert StockMarks([*STOCK, OURS]).read(photo(name)) == []


@with_extra
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_carry_nothing(level: int) -> None:
    assert StockMarks([*STOCK, OURS]).read(np.full((300, 300, 3), level, np.uint8)) == []
