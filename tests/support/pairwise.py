"""Pairwise testing: few combinations that hold every pair of values of two fields (Cohen et al. 1997, AETG)."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Combination = dict[str, Any]
_Choice = dict[str, int]
_Pair = frozenset[tuple[str, int]]


def combinations(
    fields: Mapping[str, Sequence[Any]], possible: Callable[[Combination], bool] = lambda combination: True
) -> Iterator[Combination]:
    """Combinations of a value of each field until every pair of values has been in one that is possible.

    Pairs that are impossible whatever the other fields hold come with the others at their first value.
    """
    missing = {
        frozenset({(one, a), (other, b)})
        for one, other in itertools.combinations(fields, 2)
        for a, b in itertools.product(range(len(fields[one])), range(len(fields[other])))
    }
    while missing:
        choice = _completed(min(missing, key=sorted), fields, missing, possible)
        yield _values(choice, fields)
        missing -= set(map(frozenset, itertools.combinations(choice.items(), 2)))


def _completed(
    pair: _Pair, fields: Mapping[str, Sequence[Any]], missing: set[_Pair], possible: Callable[[Combination], bool]
) -> _Choice:
    """The pair with values of the other fields, each the one that meets most missing pairs."""
    first = dict.fromkeys(fields, 0) | dict(pair)
    choice: _Choice = dict(pair)
    for field in fields:
        if field in choice:
            continue
        allowed = [n for n in range(len(fields[field])) if possible(_values(first | choice | {field: n}, fields))]
        choice[field] = max(
            allowed or [0], key=lambda n: sum(frozenset({(field, n), c}) in missing for c in choice.items())
        )
    return choice


def _values(choice: _Choice, fields: Mapping[str, Sequence[Any]]) -> Combination:
    return {field: fields[field][number] for field, number in choice.items()}
