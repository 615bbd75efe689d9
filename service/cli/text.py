"""Text for the terminal, from names and files that may hold anything."""

import os


def label(name: str) -> str:
    """The name as valid text: file names may contain arbitrary bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def printable(text: str) -> str:
    """`text` without control characters: the contents of a file must not control the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
