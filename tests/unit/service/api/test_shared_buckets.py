import threading
from pathlib import Path

import pytest

from service.api.rate_limits import TokenBuckets
from service.api.shared_buckets import SharedBuckets


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SharedBuckets.create(tmp_path / "buckets")
    return tmp_path / "buckets"


def test_they_are_as_those_of_one_process(path: Path) -> None:
    now = [50.0]
    alone = TokenBuckets(6, lambda: now[0], most=3)
    shared = SharedBuckets(path, 6, most=3, clock=lambda: now[0])
    for step in (0, 0, 0, 0, 5, 10, 0, 1000, 0, 0, 0, 0):
        now[0] += step
        for key, amount in (("a", 1), ("b", 2)):
            assert shared.take(key, amount) == pytest.approx(alone.take(key, amount))


def test_two_processes_share_a_bucket(path: Path) -> None:
    first, second = (SharedBuckets(path, 2, clock=lambda: 7.0) for _ in range(2))
    assert [first.take("a"), second.take("a")] == [0, 0]
    assert first.take("a") == second.take("a") == 30
    assert second.take("b") == 0


def test_nothing_is_lost_between_threads(path: Path) -> None:
    got: list[float] = []

    def take() -> None:
        mine = SharedBuckets(path, 100, clock=lambda: 7.0)
        got.extend(mine.take("a") for _ in range(50))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in got) == 100


def test_the_one_used_longest_ago_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.shared_buckets._ROWS", 1)
    SharedBuckets.create(tmp_path / "small")
    now = [0.0]
    buckets = SharedBuckets(tmp_path / "small", 1, clock=lambda: now[0])
    for number in range(9):
        now[0] += 1
        assert buckets.take(str(number)) == 0
    assert buckets.take("8") > 0
    assert buckets.take("0") == 0  # forgotten, so full again


def test_without_a_rate_there_is_no_limit(path: Path) -> None:
    buckets = SharedBuckets(path, 0)
    assert not any(buckets.take("a") for _ in range(100))
