"""Attacks that were tried on the service, each as a function that says whether it still works.

Each module has a tuple `ATTACKS` of functions that return or yield `Row`s; `benchmarks/attacks.py` runs them.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One attack: what it did to version 0.1, what it does now, and whether that is what it should."""

    name: str
    before: str
    after: str
    held: bool
