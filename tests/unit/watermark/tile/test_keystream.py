import hashlib

import numpy as np

from watermark.tile.keystream import KeyStream

KEY = bytes(range(32))


def test_a_stream_depends_on_key_and_label_alone() -> None:
    assert np.array_equal(KeyStream(KEY, b"a").words(5), KeyStream(KEY, b"a").words(5))
    assert not np.array_equal(KeyStream(KEY, b"a").words(5), KeyStream(KEY, b"b").words(5))
    assert not np.array_equal(KeyStream(KEY, b"a").words(5), KeyStream(KEY[::-1], b"a").words(5))


def test_it_is_shake_256_of_key_and_label() -> None:
    expected = hashlib.shake_256(KEY + b"sync").digest(16)
    assert [int(word).to_bytes(8, "little") for word in KeyStream(KEY, b"sync").words(2)] == [
        expected[:8],
        expected[8:],
    ]


def test_ranges() -> None:
    stream = KeyStream(KEY, b"a")
    fractions = stream.fractions(2000)
    assert 0 <= fractions.min() < 0.01
    assert 0.99 < fractions.max() < 1
    signs = stream.signs(2000)
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.1
    assert sorted(stream.order(50)) == list(range(50))
