"""Deterministic obfuscations of a prompt, to measure evasion."""

from __future__ import annotations

from collections.abc import Callable

_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5"})
_HOMOGLYPHS = str.maketrans("aceopxy", "асеорху")  # noqa: RUF001
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def spaced(text: str) -> str:
    """Letters separated by one space, words by three."""
    return "   ".join(" ".join(word) for word in text.split())


EVASIONS: dict[str, Callable[[str], str]] = {
    "as written": str,
    "zero-width": "\u200b".join,
    "full-width": lambda text: text.translate(_FULL_WIDTH),
    "homoglyphs": lambda text: text.translate(_HOMOGLYPHS),
    "leet": lambda text: text.translate(_LEET),
    "spaced letters": spaced,
}
