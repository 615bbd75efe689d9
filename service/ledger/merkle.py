"""Merkle trees of RFC 9162, section 2.1 (the trees of RFC 6962), over SHA-256.

A tree of any size is made of complete subtrees, whose hashes never change again. Only those are stored, each under one
number: the order in which they become complete, as in Go's `sumdb/tlog`. So appending writes the next numbers, and
every root and proof is folded from at most two complete subtrees a level. Hashes are 32 bytes; leaves count from 0.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

Look = Callable[[int], bytes]
"""The stored hash of a number."""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The root (32 bytes) of the tree over the first `size` leaves."""

    size: int
    root: bytes


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256 of 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def stored_count(size: int) -> int:
    """How many complete subtrees, and so stored hashes, a tree of `size` leaves has."""
    return 2 * size - size.bit_count()


def stored_number(level: int, index: int) -> int:
    """The number of the `index`-th complete subtree with 2**level leaves."""
    last_leaf = ((index + 1) << level) - 1
    return stored_count(last_leaf) + level


@dataclass(frozen=True, slots=True)
class Span:
    """The leaves from `start` up to but not including `end`: a subtree, complete or at the right edge of its tree."""

    start: int
    end: int

    def numbers(self) -> Iterator[int]:
        """The complete subtrees that it is made of, from left to right."""
        start = self.start
        for level in range((self.end - self.start).bit_length() - 1, -1, -1):
            if (self.end - self.start) >> level & 1:
                yield stored_number(level, start >> level)
                start += 1 << level

    def hash(self, look: Look) -> bytes:
        """Its hash, from those of `numbers`."""
        return fold([look(number) for number in self.numbers()])


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of falling size, from left to right."""
    if not subtrees:
        return EMPTY_ROOT
    *others, root = subtrees
    for left in reversed(others):
        root = node_hash(left, root)
    return root


class CompactRange:
    """The complete subtrees of a growing tree: all that is needed to append to it and to know its root."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf's hash; the hashes of all subtrees that it completes, in the order of their numbers."""
        completed = [leaf]
        for _ in range(completed_by(self.size)):
            completed.append(node_hash(self._subtrees.pop(), completed[-1]))
        self._subtrees.append(completed[-1])
        self.size += 1
        return completed

    def root(self) -> bytes:
        return fold(self._subtrees)


def completed_by(index: int) -> int:
    """How many subtrees of more than one leaf the leaf at `index` completes."""
    return (index ^ (index + 1)).bit_length() - 1


def left_siblings(index: int) -> list[int]:
    """The numbers of the subtrees with which the leaf at `index` completes larger ones, smallest first."""
    return [stored_number(level, (index >> level) - 1) for level in range(completed_by(index))]


def inclusion_path(index: int, size: int) -> list[Span]:
    """What proves that the leaf at `index` is in the tree of `size` leaves, the leaf's sibling first (2.1.3.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    path: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int) -> list[Span]:
    """What proves that a tree of `new` leaves begins with that of `old` leaves (2.1.4.1); nothing for equal sizes or
    from an empty tree.

    Raises ValueError unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with {old}")
    if old in (0, new):
        return []
    path: list[Span] = []
    start, end, known = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(Span(middle, end))
            end = middle
        else:
            path.append(Span(start, middle))
            start, known = middle, False
    return [*([] if known else [Span(start, end)]), *path[::-1]]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """The path proves that the tree with this size and root has `leaf` at `index` (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    found, place, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """The path proves that the tree of `new` leaves begins with the tree of `old` leaves (2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if old == new:
        return not path and old_root == new_root
    rest = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not rest:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, new_root)


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
