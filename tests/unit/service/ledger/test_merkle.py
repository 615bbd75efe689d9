"""The trees are those of RFC 9162: the vectors of Certificate Transparency, and a naive tree for every small size."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_path,
    includes,
    inclusion_path,
    is_consistent,
    leaf_hash,
    left_siblings,
    node_hash,
    stored_count,
    stored_number,
)

SIZES = 33

# The reference vectors of Certificate Transparency (RFC 6962): eight entries and the root of each size.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

LEAVES = [leaf_hash(bytes([number])) for number in range(SIZES)]


def naive(leaves: list[bytes]) -> bytes:
    """The definition of section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = max(1 << power for power in range(len(leaves).bit_length()) if 1 << power < len(leaves))
    return hashlib.sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


ROOT = [naive(LEAVES[:size]) for size in range(SIZES + 1)]


@pytest.fixture(scope="module")
def stored() -> list[bytes]:
    """All complete subtrees of the largest tree, in the order in which they become complete."""
    tree = CompactRange()
    return [completed for leaf in LEAVES for completed in tree.append(leaf)]


def test_roots_are_those_of_certificate_transparency() -> None:
    tree, roots = CompactRange(), [EMPTY_ROOT.hex()]
    for entry in ENTRIES:
        tree.append(leaf_hash(entry))
        roots.append(tree.root().hex())
    assert tuple(roots) == ROOTS


def test_published_proofs_of_certificate_transparency_hold() -> None:
    """Its vectors for a leaf and for two sizes, as published: not computed by the code under test."""
    path = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert includes(leaf_hash(ENTRIES[5]), 5, 8, [bytes.fromhex(one) for one in path], bytes.fromhex(ROOTS[8]))
    path = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert is_consistent(6, bytes.fromhex(ROOTS[6]), 8, bytes.fromhex(ROOTS[8]), [bytes.fromhex(one) for one in path])


def test_roots_of_every_size_are_the_definition() -> None:
    tree = CompactRange()
    for size, leaf in enumerate(LEAVES, 1):
        tree.append(leaf)
        assert (tree.size, tree.root()) == (size, ROOT[size])


def test_numbers_count_up_in_the_order_of_completion(stored: list[bytes]) -> None:
    assert stored_count(SIZES) == len(stored)
    for level in range(6):
        for index in range(SIZES >> level):
            leaves = LEAVES[index << level : (index + 1) << level]
            assert stored[stored_number(level, index)] == naive(leaves)


def test_a_leaf_is_appended_with_its_left_siblings_alone(stored: list[bytes]) -> None:
    for index, leaf in enumerate(LEAVES):
        completed = [leaf]
        for number in left_siblings(index):
            assert number < stored_count(index)
            completed.append(node_hash(stored[number], completed[-1]))
        assert completed == stored[stored_count(index) : stored_count(index + 1)]


def test_every_leaf_is_proved_and_no_other_in_its_place(stored: list[bytes]) -> None:
    for size in range(1, SIZES + 1):
        for index in range(size):
            path = [span.hash(stored.__getitem__) for span in inclusion_path(index, size)]
            assert includes(LEAVES[index], index, size, path, ROOT[size])
            assert not includes(leaf_hash(b"another"), index, size, path, ROOT[size])
            assert not includes(LEAVES[index], index, size, [*path, ROOT[1]], ROOT[size])
            assert not includes(LEAVES[index], index, size, path[:-1], ROOT[size]) or size == 1
            assert not includes(LEAVES[index], index ^ 1, size, path, ROOT[size]) or size == 1
            assert not includes(LEAVES[index], size, size, path, ROOT[size])


def test_every_older_tree_is_proved_and_no_other(stored: list[bytes]) -> None:
    for new in range(SIZES + 1):
        for old in range(new + 1):
            path = [span.hash(stored.__getitem__) for span in consistency_path(old, new)]
            assert is_consistent(old, ROOT[old], new, ROOT[new], path)
            assert not is_consistent(old, leaf_hash(b"another"), new, ROOT[new], path)
            assert not is_consistent(old, ROOT[old], new, ROOT[new], [*path, ROOT[1]])
            if path:
                assert not is_consistent(old, ROOT[old], new, leaf_hash(b"another"), path)
                assert not is_consistent(old, ROOT[old], new, ROOT[new], path[:-1])
            if 0 < old < new:
                assert not is_consistent(old, ROOT[old], new, ROOT[new], [])
                assert not is_consistent(new, ROOT[new], old, ROOT[old], path)


def test_what_is_not_in_a_tree_has_no_path() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="has none at"):
            inclusion_path(index, size)
    for old, new in ((4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="does not begin with"):
            consistency_path(old, new)


@given(st.integers(0, 1 << 40))
def test_proofs_stay_short(size: int) -> None:
    """Two look-ups a level at most, however large the tree is."""
    index, old = size // 3, size // 2
    if size:
        spans = inclusion_path(index, size)
        assert len(spans) <= size.bit_length()
        assert sum(len(list(span.numbers())) for span in spans) <= 2 * size.bit_length()
    assert len(consistency_path(old, size)) <= size.bit_length() + 1
    assert all(one > other for other, one in pairwise(sorted(left_siblings(size))))
