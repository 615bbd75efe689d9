"""The vocabulary besides objects: colours, settings, times, weather, styles and relations.

With `objects` and `synonyms.json` this is the single source for the renderer, the captions, the judge and the
`vocabulary.json` that ships with the weights.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from .objects import OBJECTS

RGB = tuple[int, int, int]
SYNONYMS = Path(__file__).with_name("synonyms.json")

COLOURS: dict[str, RGB] = {
    "red": (226, 44, 52),
    "orange": (250, 134, 32),
    "yellow": (250, 206, 50),
    "green": (58, 172, 84),
    "blue": (48, 112, 232),
    "purple": (138, 74, 208),
    "pink": (250, 136, 186),
    "white": (243, 243, 245),
    "black": (34, 34, 40),
    "grey": (148, 151, 158),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {name: (name,) for name in COLOURS} | {
    "purple": ("purple", "violet"),
    "grey": ("grey", "gray"),
}
OBJECT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")

STUDIO = "studio"
PLACES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on green grass", "in a field", "in a garden", "on the grass", "in a park"),
    "beach": ("on a beach", "on the beach", "by the sea", "at the seaside", "by the ocean", "at the beach"),
    "snow": ("in the snow", "in a snowy field", "in winter", "on snow", "on a snowy field"),
    "desert": ("in the desert", "in a desert", "on sand dunes", "among dunes"),
    "mountains": ("in the mountains", "in front of mountains", "near a mountain", "among mountains"),
    "city": ("in a city", "in the city", "on a city street", "in town", "in front of buildings", "on a street"),
    "forest": ("in a forest", "in the forest", "in the woods", "in a wood", "among trees"),
    "lake": ("by a lake", "at a lake", "by the lake", "by a river", "on a lake shore"),
    "room": ("in a room", "indoors", "in a living room", "inside a house", "on a wooden floor"),
}
PLACE_TAGS: dict[str, tuple[str, ...]] = {
    "meadow": ("meadow", "grass", "field"),
    "beach": ("beach", "sea", "seaside"),
    "snow": ("snow", "winter", "snowy field"),
    "desert": ("desert", "dunes"),
    "mountains": ("mountains", "mountain"),
    "city": ("city", "street", "town"),
    "forest": ("forest", "woods"),
    "lake": ("lake", "river"),
    "room": ("room", "living room", "indoors"),
}
STUDIO_PLACES = (
    "on a {} background",
    "on a plain {} background",
    "against a {} background",
    "with a {} background",
    "in front of a {} wall",
    "in a {} studio",
)
TIMES: dict[str, tuple[str, ...]] = {
    "day": ("on a sunny day", "in daylight", "in the daytime", "in the morning", "on a bright day"),
    "sunset": ("at sunset", "at dusk", "in the evening", "at sunrise"),
    "night": ("at night", "under the stars", "in the moonlight", "at midnight"),
}
TIME_TAGS: dict[str, tuple[str, ...]] = {
    "day": ("day", "sunny", "daytime"),
    "sunset": ("sunset", "dusk", "evening"),
    "night": ("night", "stars", "midnight"),
}
CLEAR = "clear"
WEATHERS: dict[str, tuple[str, ...]] = {
    "clear": (),
    "rain": ("in the rain", "in rainy weather", "while it rains", "under falling rain"),
    "snowfall": ("in falling snow", "while it snows", "in a snowfall", "under snowflakes"),
    "fog": ("in the fog", "in fog", "in the mist", "in foggy weather"),
}
WEATHER_TAGS: dict[str, tuple[str, ...]] = {
    "clear": (),
    "rain": ("rain", "rainy", "raining"),
    "snowfall": ("snowfall", "snowing"),
    "fog": ("fog", "foggy", "mist"),
}
# What a time is called where the sky is hidden: no sun, no stars.
HIDDEN_SKY_TIMES: dict[str, tuple[str, ...]] = {
    "day": ("in the daytime", "in the morning"),
    "sunset": ("at sunset", "at dusk", "in the evening"),
    "night": ("at night", "at midnight"),
}
PLAIN = "plain"
STYLES: dict[str, tuple[str, ...]] = {
    "plain": ("a 3d render of", "a picture of", "an image of", "a cartoon of", "an illustration of"),
    "watercolour": ("a watercolour of", "a watercolor of", "a watercolour painting of", "a painting of"),
    "pixel art": ("pixel art of", "a pixel art picture of", "an 8 bit picture of"),
    "sketch": ("a pencil sketch of", "a sketch of", "a pencil drawing of", "a drawing of"),
}
STYLE_TAGS: dict[str, tuple[str, ...]] = {
    "plain": ("3d render", "cartoon"),
    "watercolour": ("watercolour", "watercolor painting", "painting"),
    "pixel art": ("pixel art", "8 bit"),
    "sketch": ("pencil sketch", "sketch", "pencil drawing"),
}
NUMBERS: dict[int, tuple[str, ...]] = {2: ("two", "2", "a pair of"), 3: ("three", "3")}
# "{a}" is the object the relation is said of, "{b}" the other one.
RELATIONS: dict[str, tuple[str, ...]] = {
    "left of": (
        "{a} to the left of {b}", "{a} left of {b}", "{a} on the left and {b} on the right",
        "{b} to the right of {a}", "{b} right of {a}",
    ),
    "on": ("{a} on {b}", "{a} on top of {b}", "{a} standing on {b}", "{a} sitting on {b}", "{b} under {a}"),
    "behind": ("{a} behind {b}", "{b} in front of {a}", "{a} standing behind {b}"),
}  # fmt: skip
TOGETHER = ("{a} and {b}", "{a} next to {b}", "{a} beside {b}", "{b} and {a}")
"""Phrases that do not state the order of two objects side by side."""

FILLERS = ("cute", "little", "small", "big", "lovely", "beautiful", "friendly", "nice", "happy", "shiny")
VERBS = ("standing", "sitting", "resting", "alone")


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """Additional words for each object from CLDR; see `synonyms` for how the file is made."""
    table = json.loads(SYNONYMS.read_text())["words"]
    return {name: tuple(table.get(name, ())) for name in OBJECTS}
