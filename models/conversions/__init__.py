"""Conversions of downloaded files into the ones that a card lists. Each is deterministic: its result has one SHA-256.

A recipe makes one file from the files of a package, in the order of the card. It runs when the operator pulls the card,
on bytes whose digest was verified, and its result is verified as well. So a recipe must give the same bytes on every
machine: element-wise float32 arithmetic, and one canonical serialisation.
"""

from collections.abc import Callable, Mapping, Sequence

from models.cards import RecipeName
from models.conversions.quantised import float32_weights
from models.conversions.tfjs import tfjs_classifier

Recipe = Callable[[Sequence[bytes]], bytes]
"""From the input files to the file. Raises ValueError if they are not what it can read."""

RECIPES: Mapping[RecipeName, Recipe] = {"float32-weights": float32_weights, "tfjs-classifier": tfjs_classifier}

__all__ = ["RECIPES", "Recipe"]
