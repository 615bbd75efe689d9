"""Damaged files and texts, as hypothesis draws them."""

from hypothesis import reject
from hypothesis import strategies as st

CHANGES = st.tuples(st.floats(0, 1), st.integers(0, 255))
"""A place in a file, as a share of its length, and the byte that is put there."""


def mutated(data: bytes, changes: list[tuple[float, int]], cut: float) -> bytes:
    """The first `cut` of a file, 0 to 1, with some bytes changed."""
    out = bytearray(data[: max(1, int(len(data) * cut))])
    for place, value in changes:
        out[min(int(place * len(out)), len(out) - 1)] = value
    return bytes(out)


def with_other_byte(text: str, position: int, change: int) -> str:
    """A text of which one byte was changed by XOR. What is no longer text is not tried."""
    changed = bytearray(text.encode())
    changed[position] ^= change
    try:
        return changed.decode()
    except UnicodeDecodeError:
        reject()
