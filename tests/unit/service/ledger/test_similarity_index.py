"""The index against brute force, through random histories of changes."""

import itertools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import distance
from detectors.faces import distances
from detectors.similarity.hamming import Hashes
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import NEVER, Neighbour, SimilarityIndex, Snapshot, face_index, hash_index

BASE = bytes(32)


def near(bits: int) -> bytes:
    """A hash that differs from BASE in so many bits."""
    return ((1 << bits) - 1).to_bytes(32, "big")


def hashes(rows: dict[int, bytes], removed: list[int] | None = None) -> Changes:
    vectors = np.frombuffer(b"".join(rows.values()), np.uint8).reshape(-1, 32)
    return Changes(np.array(list(rows), np.int64), vectors, np.array(removed or [], np.int64))


def brute(rows: dict[int, bytes], query: bytes, limit: int) -> list[Neighbour]:
    found = sorted((distance(hash_, query), id_) for id_, hash_ in rows.items())
    return [Neighbour(id_, float(far)) for far, id_ in found if far <= limit]


# Few different hashes, so that duplicates and ties are the rule; some are far from all others.
HASH = st.one_of(st.integers(0, 40).map(near), st.binary(min_size=32, max_size=32))
STEP = st.tuples(st.dictionaries(st.integers(0, 60), HASH, max_size=12), st.lists(st.integers(0, 60), max_size=12))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(STEP, max_size=8), HASH, st.integers(0, 256), st.one_of(st.none(), st.integers(0, 70)), st.integers(1, 9)
)
def test_every_revision_is_brute_force(
    history: list[tuple[dict[int, bytes], list[int]]], query: bytes, limit: int, most: int | None, block_rows: int
) -> None:
    index: SimilarityIndex[bytes] = SimilarityIndex(Hashes, block_rows)
    rows: dict[int, bytes] = {}
    seen: list[tuple[Snapshot[bytes], dict[int, bytes]]] = []
    for revision, (changed, removed) in enumerate(history):
        rows = {id_: hash_ for id_, hash_ in rows.items() if id_ not in removed} | changed
        seen.append((index.at(revision, lambda _: hashes(changed, removed)), rows))  # noqa: B023 - called at once
        check_layout(index.snapshot, block_rows)
    for snapshot, expected in seen:  # also the old ones: nothing in them may have changed
        assert len(snapshot) == len(expected)
        assert snapshot.within(query, limit, most) == brute(expected, query, limit)[:most]


def check_layout(snapshot: Snapshot[bytes], block_rows: int) -> None:
    ids = [id_ for block in snapshot.blocks for id_ in block.ids.tolist()]
    assert ids == sorted(set(ids))
    sizes = [len(block) for block in snapshot.blocks]
    assert all(0 < size <= block_rows for size in sizes)
    assert all(one + next_ > block_rows for one, next_ in itertools.pairwise(sizes))


FACES = st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.25, 1.0]), min_size=4, max_size=4), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(FACES, st.data())
def test_faces_are_brute_force_to_the_bit(rows: list[list[float]], data: st.DataObject) -> None:
    vectors = np.array(rows, np.float32)
    removed = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1))), np.int64)
    query = vectors[data.draw(st.integers(0, len(rows) - 1))]
    index = face_index()
    half = len(rows) // 2
    ids = np.arange(len(rows))
    index.at(0, lambda _: Changes(ids[:half], vectors[:half]))
    index.at(1, lambda _: Changes(ids[half:], vectors[half:]))
    snapshot = index.at(2, lambda _: Changes(ids[:0], vectors[:0], removed))
    far = distances(vectors, query)
    limit = float(data.draw(st.sampled_from([0.0, 0.5, *far.tolist()])))
    expected = sorted((float(d), id_) for id_, d in enumerate(far) if d <= limit and id_ not in removed)
    assert snapshot.within(query, limit) == [Neighbour(id_, d) for d, id_ in expected]


def test_ties_are_ordered_by_age_across_blocks() -> None:
    index = SimilarityIndex(Hashes, 2)
    index.at(1, lambda _: hashes({5: near(3), 9: near(2), 7: near(3), 1: near(3), 2: near(2)}))
    assert [n.id for n in index.snapshot.within(BASE, 31)] == [2, 9, 1, 5, 7]
    assert [n.id for n in index.snapshot.within(BASE, 31, most=3)] == [2, 9, 1]
    assert index.snapshot.within(BASE, 31, most=0) == []


def test_one_new_row_copies_one_block() -> None:
    index = SimilarityIndex(Hashes, 4)
    before = index.at(1, lambda _: hashes({id_: near(id_) for id_ in range(10)}))
    after = index.at(2, lambda _: hashes({10: near(0)}))
    assert [block is other for block, other in zip(before.blocks, after.blocks, strict=True)] == [True, True, False]


def test_removing_what_is_unknown_copies_nothing() -> None:
    index = SimilarityIndex(Hashes, 4)
    before = index.at(1, lambda _: hashes({2 * id_: near(id_) for id_ in range(10)}))
    after = index.at(2, lambda _: hashes({}, [3, 99]))
    assert all(block is other for block, other in zip(before.blocks, after.blocks, strict=True))


def test_a_removed_row_comes_back_in_its_place() -> None:
    index = SimilarityIndex(Hashes, 4)
    index.at(1, lambda _: hashes({id_: near(1) for id_ in range(9)}))
    index.at(2, lambda _: hashes({}, [4]))
    assert 4 not in [n.id for n in index.snapshot.within(BASE, 31)]
    index.at(3, lambda _: hashes({4: near(1)}))
    assert [n.id for n in index.snapshot.within(BASE, 31)] == list(range(9))


def test_it_asks_for_what_changed_since_its_own_revision() -> None:
    index = hash_index()
    since_revisions: list[int] = []

    def changes(since: Snapshot[bytes]) -> Changes:
        since_revisions.append(since.revision)
        return hashes({since.revision + 1: BASE})

    for revision in (3, 3, 2, 7):
        index.at(revision, changes)
    assert since_revisions == [NEVER, 3]
    assert index.snapshot.revision == 7


def test_what_cannot_be_read_changes_nothing() -> None:
    index = hash_index()
    index.at(1, lambda _: hashes({1: BASE}))

    def broken(_: Snapshot[bytes]) -> Changes:
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="gone"):
        index.at(2, broken)
    assert index.snapshot.revision == 1
    assert len(index.at(2, lambda _: hashes({2: BASE}))) == 2  # and the lock is free


def test_forgetting_drops_older_snapshots() -> None:
    index = hash_index()
    index.at(1, lambda _: hashes({1: BASE}))
    index.forget(2)
    assert len(index.snapshot) == 0
    old = index.at(1, lambda _: hashes({1: BASE}))  # a transaction from before
    assert len(old) == 1
    assert len(index.snapshot) == 0  # is answered and not kept
    index.at(2, lambda since: hashes({2: BASE}) if since.revision == NEVER else pytest.fail("it was not forgotten"))
    index.forget(2)
    assert [n.id for n in index.snapshot.within(BASE, 0)] == [2]


def test_forgetting_does_not_wait_for_an_update_and_outlasts_it() -> None:
    index = hash_index()
    index.at(1, lambda _: hashes({1: BASE}))

    def slow(_: Snapshot[bytes]) -> Changes:
        index.forget(3)  # from another thread, in practice: it would wait for ever here if it waited
        assert len(index.snapshot) == 0
        return hashes({2: BASE})

    assert index.at(2, slow).ids.tolist() == [1, 2]  # as of revision 2, for who asked
    assert len(index.snapshot) == 0
    assert index.at(
        3, lambda since: hashes({2: BASE}, [1]) if since.revision == NEVER else hashes({})
    ).ids.tolist() == [2]


@pytest.mark.parametrize(
    ("ids", "count"), [([1, 1], 2), ([2, 1, 2], 3), ([1], 2), ([1, 2], 1)], ids=["twice", "apart", "few", "many"]
)
def test_rows_need_one_id_and_one_vector_each(ids: list[int], count: int) -> None:
    with pytest.raises(ValueError, match=r"vector"):
        Changes(np.array(ids, np.int64), np.zeros((count, 32), np.uint8))


def test_a_holder_of_a_snapshot_does_not_wait_for_an_update() -> None:
    index = hash_index()
    index.at(1, lambda _: hashes({1: BASE}))
    reading, released = threading.Event(), threading.Event()

    def slow(_: Snapshot[bytes]) -> Changes:
        reading.set()
        assert released.wait(30)
        return hashes({2: BASE})

    update = threading.Thread(target=index.at, args=(2, slow))
    update.start()
    assert reading.wait(30)
    assert len(index.snapshot) == 1
    assert len(index.at(1, slow)) == 1  # the state in memory is new enough
    released.set()
    update.join(30)
    assert len(index.snapshot) == 2


def test_readers_see_whole_revisions_while_rows_come_and_go() -> None:
    """Revision r holds the rows r to r + 49: whatever a reader gets must be exactly one of these states."""
    index: SimilarityIndex[bytes] = SimilarityIndex(Hashes, 8)
    last, width = 150, 50
    wrong: list[object] = []

    def changes(to: int, since: int) -> Changes:
        first = 0 if since == NEVER else since + width
        return hashes(dict.fromkeys(range(max(first, to), to + width), BASE), list(range(max(since, 0), to)))

    def read() -> None:
        for revision in range(last + 1):
            snapshot = index.at(revision, lambda since: changes(revision, since.revision))  # noqa: B023 - called at once
            ids = [n.id for n in snapshot.within(BASE, 0)]
            if snapshot.revision < revision or ids != list(range(snapshot.revision, snapshot.revision + width)):
                wrong.append((revision, snapshot.revision, ids))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert index.snapshot.revision == last
