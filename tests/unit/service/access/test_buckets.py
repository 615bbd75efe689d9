import pytest

from service.access.buckets import Bucket

PER_SECOND = 0.1


def test_it_empties_and_fills_evenly() -> None:
    bucket, wait = Bucket(2, 100.0).take(1, PER_SECOND)
    assert (bucket.tokens, wait) == (1, 0)
    bucket, _ = bucket.take(1, PER_SECOND)
    bucket, wait = bucket.at(104.0, PER_SECOND, 6).take(1, PER_SECOND)
    assert wait == pytest.approx(6)
    assert bucket.tokens == pytest.approx(0.4)  # asking costs nothing
    bucket, wait = bucket.at(110.0, PER_SECOND, 6).take(1, PER_SECOND)
    assert bucket.tokens == pytest.approx(0)
    assert wait == 0
    assert bucket.at(10_000.0, PER_SECOND, 6).tokens == 6


def test_several_are_taken_together_or_not_at_all() -> None:
    bucket, wait = Bucket(2, 100.0).take(3, PER_SECOND)
    assert bucket.tokens == 2
    assert wait == pytest.approx(10)
    assert Bucket(3, 100.0).take(3, PER_SECOND) == (Bucket(0, 100.0), 0)


def test_a_clock_that_goes_back_refills_nothing() -> None:
    assert Bucket(0.5, 100.0).at(40.0, PER_SECOND, 6).tokens == 0.5
