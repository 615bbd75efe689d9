import gzip
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from detectors.declared.metadata import MAX_VALUE, Field
from detectors.declared.stealth import fields
from tests.assets.declared import stealthy

TEXT = '{"Software": "NovelAI", "Comment": "{}"}'


def found(data: bytes) -> list[Field]:
    image = Image.open(io.BytesIO(data))

    def alpha(columns: int) -> NDArray[np.uint8]:
        return np.asarray(image)[:, :columns, 3]

    return list(fields(alpha, image.height))


@pytest.mark.parametrize(
    ("mark", "body"),
    [(b"stealth_pngcomp", gzip.compress(TEXT.encode(), mtime=0)), (b"stealth_pnginfo", TEXT.encode())],
)
def test_text_in_the_alpha_channel(mark: bytes, body: bytes) -> None:
    assert found(stealthy(body, mark)) == [Field("pixels", "alpha", TEXT)]


def test_no_mark_no_text() -> None:
    assert found(stealthy(b"x", b"stealth_pngnone")) == []
    assert list(fields(lambda columns: np.full((1, columns), 255, np.uint8), 1)) == []


def test_a_bomb_is_bounded() -> None:
    bomb = gzip.compress(bytes(20_000_000), 9)
    side = 500
    message = b"stealth_pngcomp" + (8 * len(bomb)).to_bytes(4, "big") + bomb
    bits = np.unpackbits(np.frombuffer(message, np.uint8))
    alpha = np.zeros(side * side, np.uint8)
    alpha[: len(bits)] = bits
    (field,) = fields(lambda columns: alpha.reshape(side, side).T[:, :columns], side)
    assert len(field.value) == MAX_VALUE
