from pathlib import Path

import pytest

from service.kit.counts import NAMES, Counts, LocalCounts, SharedCounts


@pytest.fixture
def shared(tmp_path: Path) -> list[SharedCounts]:
    SharedCounts.create(tmp_path / "counts", 3)
    return [SharedCounts(tmp_path / "counts", number) for number in range(3)]


@pytest.mark.parametrize("name", [*NAMES, "address 192.0.2.1"])
def test_what_is_added_is_there_and_what_is_taken_is_not(name: str, shared: list[SharedCounts]) -> None:
    counts: Counts
    for counts in (LocalCounts(), shared[0]):
        counts.add(name, 3)
        counts.add(name, -1)
        assert counts.total(name) == 2
        assert counts.total("address 192.0.2.2") == 0


def test_workers_count_together(shared: list[SharedCounts]) -> None:
    for number, counts in enumerate(shared):
        counts.add("orders", number + 1)
    assert [counts.total("orders") for counts in shared] == [6, 6, 6]
    assert shared[0].total("connections") == 0


def test_what_a_dead_worker_had_is_free_again(shared: list[SharedCounts]) -> None:
    shared[1].add("connections", 5)
    shared[2].add("connections", 1)
    shared[0].clear(1)
    assert shared[2].total("connections") == 1


def test_where_an_address_is_counted_is_not_to_be_guessed(tmp_path: Path) -> None:
    for name in "ab":
        SharedCounts.create(tmp_path / name, 1)
    one, other = (SharedCounts(tmp_path / name, 0) for name in "ab")
    names = [f"address {number}" for number in range(50)]
    assert [one._slot(name) for name in names] != [other._slot(name) for name in names]
