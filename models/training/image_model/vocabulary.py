"""The small world the model knows: objects, settings, times of day and colours, with their words.

This is the single source for the renderer, the captions and the `vocabulary.json` that ships with the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class ObjectKind:
    """One sprite and its words.

    `code` is the Unicode sequence that names the sprite file; `hues` lists (centre, half width) in degrees of the
    parts that take a named colour, empty when the object keeps its own colours; `floats` lifts it off the ground;
    pixels less saturated than `min_saturation` (0..1) are never painted.
    """

    code: str
    words: tuple[str, ...]
    hues: tuple[tuple[float, float], ...] = ()
    floats: bool = False
    min_saturation: float = 0.15


OBJECTS: dict[str, ObjectKind] = {
    "dog": ObjectKind("1f415", ("dog", "puppy"), hues=((28, 32),)),
    "cat": ObjectKind("1f408", ("cat", "kitten", "kitty"), hues=((28, 32),)),
    "fox": ObjectKind("1f98a", ("fox",)),
    "panda": ObjectKind("1f43c", ("panda", "panda bear")),
    "frog": ObjectKind("1f438", ("frog", "toad")),
    "penguin": ObjectKind("1f427", ("penguin",)),
    "owl": ObjectKind("1f989", ("owl",)),
    "rabbit": ObjectKind("1f407", ("rabbit", "bunny", "hare")),
    "whale": ObjectKind("1f433", ("whale",)),
    "butterfly": ObjectKind("1f98b", ("butterfly",), hues=((14, 26),), floats=True),
    "turtle": ObjectKind("1f422", ("turtle", "tortoise")),
    "elephant": ObjectKind("1f418", ("elephant",)),
    "dinosaur": ObjectKind("1f995", ("dinosaur", "dino")),
    "duck": ObjectKind("1f986", ("duck",)),
    "car": ObjectKind("1f697", ("car", "automobile"), hues=((345, 34),)),
    "rocket": ObjectKind("1f680", ("rocket", "spaceship"), floats=True),
    "sailboat": ObjectKind("26f5", ("sailboat", "boat", "ship")),
    "house": ObjectKind("1f3e0", ("house", "home", "cottage"), hues=((31, 9),)),
    "castle": ObjectKind("1f3f0", ("castle", "palace")),
    "tree": ObjectKind("1f332", ("tree", "pine tree", "pine", "fir tree")),
    "palm tree": ObjectKind("1f334", ("palm tree", "palm")),
    "sunflower": ObjectKind("1f33b", ("sunflower",)),
    "flower": ObjectKind("1f337", ("flower", "tulip"), hues=((318, 34),)),
    "mushroom": ObjectKind("1f344", ("mushroom", "toadstool"), hues=((352, 24),), min_saturation=0.5),
    "cactus": ObjectKind("1f335", ("cactus",)),
    "apple": ObjectKind("1f34e", ("apple",), hues=((345, 42),)),
    "cake": ObjectKind("1f382", ("cake", "birthday cake")),
    "robot": ObjectKind("1f916", ("robot", "android")),
    "snowman": ObjectKind("26c4", ("snowman",)),
    "balloon": ObjectKind("1f388", ("balloon",), hues=((330, 56),), floats=True),
    "umbrella": ObjectKind("2602-fe0f", ("umbrella", "parasol"), hues=((265, 36),)),
    "teapot": ObjectKind("1fad6", ("teapot", "tea pot"), hues=((345, 34),)),
}

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

PLACES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on green grass", "in a field", "in a garden", "on the grass", "in a park"),
    "beach": ("on a beach", "on the beach", "by the sea", "at the seaside", "by the ocean", "at the beach"),
    "snow": ("in the snow", "in a snowy field", "in winter", "on snow", "on a snowy day"),
    "desert": ("in the desert", "in a desert", "on sand dunes", "among dunes"),
    "mountains": ("in the mountains", "in front of mountains", "near a mountain", "among mountains"),
    "city": ("in a city", "in the city", "on a city street", "in town", "in front of buildings", "on a street"),
}
PLACE_TAGS: dict[str, tuple[str, ...]] = {
    "meadow": ("meadow", "grass", "field"),
    "beach": ("beach", "sea", "seaside"),
    "snow": ("snow", "winter", "snowy"),
    "desert": ("desert", "dunes"),
    "mountains": ("mountains", "mountain"),
    "city": ("city", "street", "town"),
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
FILLERS = ("cute", "little", "small", "big", "lovely", "beautiful", "friendly", "nice", "happy", "shiny")
PREFIXES = (
    "a picture of",
    "an illustration of",
    "a drawing of",
    "a photo of",
    "a cartoon of",
    "a painting of",
    "an image of",
    "a 3d render of",
)
VERBS = ("standing", "sitting", "resting", "alone")
