"""The objects the model knows: one sprite each, with its words and its roles in a scene."""

from __future__ import annotations

from dataclasses import dataclass

Hues = tuple[tuple[float, float], ...]
"""(centre, half width) in degrees of the hues of a sprite that can be recoloured."""


@dataclass(frozen=True)
class ObjectKind:
    """One sprite and its words.

    `code` is the Unicode sequence that names the sprite file; `words` are our own, the first being its name (the
    synonyms of Unicode's CLDR are added by `synonyms`); `plural` is that of the name, where it is not name + "s";
    `hues` is empty when the object keeps its own colours; pixels less saturated than `min_saturation` (0..1) are
    never painted; `floats` lifts it off the ground; others may stand on a `flat` one; a `large` one stands on none.
    """

    code: str
    words: tuple[str, ...]
    plural: str = ""
    hues: Hues = ()
    min_saturation: float = 0.15
    floats: bool = False
    flat: bool = False
    large: bool = False

    @property
    def plural_name(self) -> str:
        return self.plural or f"{self.words[0]}s"


_FUR: Hues = ((28, 32),)
_REDS: Hues = ((345, 34),)
_BLUES: Hues = ((212, 36),)

_ANIMALS: dict[str, ObjectKind] = {
    "dog": ObjectKind("1f415", ("dog", "puppy"), hues=_FUR),
    "cat": ObjectKind("1f408", ("cat", "kitten", "kitty"), hues=_FUR),
    "fox": ObjectKind("1f98a", ("fox",), "foxes"),
    "panda": ObjectKind("1f43c", ("panda", "panda bear")),
    "frog": ObjectKind("1f438", ("frog", "toad")),
    "penguin": ObjectKind("1f427", ("penguin",)),
    "owl": ObjectKind("1f989", ("owl",)),
    "rabbit": ObjectKind("1f407", ("rabbit", "bunny", "hare")),
    "whale": ObjectKind("1f433", ("whale",)),
    "butterfly": ObjectKind("1f98b", ("butterfly",), "butterflies", hues=((14, 26),), floats=True),
    "turtle": ObjectKind("1f422", ("turtle", "tortoise"), flat=True),
    "elephant": ObjectKind("1f418", ("elephant",), flat=True),
    "dinosaur": ObjectKind("1f995", ("dinosaur", "dino", "sauropod")),
    "duck": ObjectKind("1f986", ("duck",)),
    "horse": ObjectKind("1f40e", ("horse", "pony")),
    "cow": ObjectKind("1f404", ("cow",), flat=True),
    "pig": ObjectKind("1f416", ("pig",), flat=True),
    "sheep": ObjectKind("1f411", ("sheep", "ewe"), "sheep", flat=True),
    "lion": ObjectKind("1f981", ("lion",)),
    "tiger": ObjectKind("1f405", ("tiger",)),
    "bear": ObjectKind("1f43b", ("bear", "brown bear")),
    "monkey": ObjectKind("1f412", ("monkey",)),
    "mouse": ObjectKind("1f401", ("mouse",), "mice"),
    "giraffe": ObjectKind("1f992", ("giraffe",)),
    "zebra": ObjectKind("1f993", ("zebra",)),
    "camel": ObjectKind("1f42a", ("camel",)),
    "kangaroo": ObjectKind("1f998", ("kangaroo",)),
    "hedgehog": ObjectKind("1f994", ("hedgehog",)),
    "snail": ObjectKind("1f40c", ("snail",)),
    "ladybird": ObjectKind("1f41e", ("ladybird", "ladybug")),
    "bee": ObjectKind("1f41d", ("bee", "honeybee"), floats=True),
    "octopus": ObjectKind("1f419", ("octopus",), "octopuses"),
    "crab": ObjectKind("1f980", ("crab",)),
    "fish": ObjectKind("1f41f", ("fish",), "fish"),
    "dolphin": ObjectKind("1f42c", ("dolphin",)),
    "shark": ObjectKind("1f988", ("shark",)),
    "crocodile": ObjectKind("1f40a", ("crocodile", "alligator")),
    "snake": ObjectKind("1f40d", ("snake",)),
    "dragon": ObjectKind("1f409", ("dragon",)),
    "unicorn": ObjectKind("1f984", ("unicorn",)),
    "chicken": ObjectKind("1f414", ("chicken", "hen")),
    "parrot": ObjectKind("1f99c", ("parrot",)),
    "flamingo": ObjectKind("1f9a9", ("flamingo",)),
    "peacock": ObjectKind("1f99a", ("peacock",)),
    "swan": ObjectKind("1f9a2", ("swan",)),
    "koala": ObjectKind("1f428", ("koala",)),
    "deer": ObjectKind("1f98c", ("deer", "stag"), "deer"),
}

_VEHICLES: dict[str, ObjectKind] = {
    "car": ObjectKind("1f697", ("car", "automobile"), hues=_REDS, flat=True),
    "bus": ObjectKind("1f68c", ("bus",), "buses", flat=True),
    "truck": ObjectKind("1f69a", ("truck", "lorry", "van"), flat=True),
    "tractor": ObjectKind("1f69c", ("tractor",), flat=True),
    "bicycle": ObjectKind("1f6b2", ("bicycle", "bike")),
    "motorcycle": ObjectKind("1f3cd-fe0f", ("motorcycle", "motorbike")),
    "train": ObjectKind("1f682", ("train", "locomotive", "steam train")),
    "aeroplane": ObjectKind("2708-fe0f", ("aeroplane", "airplane", "plane"), floats=True),
    "helicopter": ObjectKind("1f681", ("helicopter",), floats=True),
    "rocket": ObjectKind("1f680", ("rocket", "spaceship"), floats=True),
    "sailboat": ObjectKind("26f5", ("sailboat", "boat")),
    "ship": ObjectKind("1f6a2", ("ship", "steamer"), large=True),
    "taxi": ObjectKind("1f695", ("taxi", "cab"), flat=True),
    "fire engine": ObjectKind("1f692", ("fire engine", "fire truck"), flat=True),
    "ufo": ObjectKind("1f6f8", ("ufo", "flying saucer"), floats=True),
}

_PLACES_AND_PLANTS: dict[str, ObjectKind] = {
    "house": ObjectKind("1f3e0", ("house", "home", "cottage"), hues=((31, 9),), large=True),
    "castle": ObjectKind("1f3f0", ("castle", "palace"), large=True),
    "church": ObjectKind("26ea", ("church",), "churches", large=True),
    "tent": ObjectKind("26fa", ("tent",), large=True),
    "tree": ObjectKind("1f332", ("tree", "pine tree", "pine", "fir tree"), large=True),
    "palm tree": ObjectKind("1f334", ("palm tree", "palm"), large=True),
    "sunflower": ObjectKind("1f33b", ("sunflower",)),
    "flower": ObjectKind("1f337", ("flower", "tulip"), hues=((318, 34),)),
    "rose": ObjectKind("1f339", ("rose",)),
    "mushroom": ObjectKind("1f344", ("mushroom", "toadstool"), hues=((352, 24),), min_saturation=0.5, flat=True),
    "cactus": ObjectKind("1f335", ("cactus",), "cactuses"),
}

_FOOD: dict[str, ObjectKind] = {
    "apple": ObjectKind("1f34e", ("apple",), hues=((345, 42),)),
    "banana": ObjectKind("1f34c", ("banana",)),
    "pear": ObjectKind("1f350", ("pear",)),
    "strawberry": ObjectKind("1f353", ("strawberry",), "strawberries"),
    "cherries": ObjectKind("1f352", ("pair of cherries", "cherry"), "cherries"),
    "grapes": ObjectKind("1f347", ("bunch of grapes",), "bunches of grapes"),
    "watermelon": ObjectKind("1f349", ("watermelon", "melon")),
    "pineapple": ObjectKind("1f34d", ("pineapple",)),
    "lemon": ObjectKind("1f34b", ("lemon",)),
    "carrot": ObjectKind("1f955", ("carrot",)),
    "tomato": ObjectKind("1f345", ("tomato",), "tomatoes"),
    "pumpkin": ObjectKind("1f383", ("pumpkin",)),
    "burger": ObjectKind("1f354", ("burger", "hamburger", "cheeseburger"), flat=True),
    "pizza": ObjectKind("1f355", ("pizza", "slice of pizza")),
    "ice cream": ObjectKind("1f366", ("ice cream", "ice cream cone")),
    "doughnut": ObjectKind("1f369", ("doughnut", "donut")),
    "cake": ObjectKind("1f382", ("cake", "birthday cake"), flat=True),
    "cupcake": ObjectKind("1f9c1", ("cupcake", "muffin")),
}

_THINGS: dict[str, ObjectKind] = {
    "robot": ObjectKind("1f916", ("robot", "android")),
    "snowman": ObjectKind("26c4", ("snowman",), "snowmen"),
    "balloon": ObjectKind("1f388", ("balloon",), hues=((330, 56),), floats=True),
    "umbrella": ObjectKind("2602-fe0f", ("umbrella", "parasol"), hues=((265, 36),)),
    "teapot": ObjectKind("1fad6", ("teapot", "tea pot"), hues=_REDS),
    "chair": ObjectKind("1fa91", ("chair",)),
    "guitar": ObjectKind("1f3b8", ("guitar", "electric guitar")),
    "drum": ObjectKind("1f941", ("drum",), flat=True),
    "trumpet": ObjectKind("1f3ba", ("trumpet",)),
    "camera": ObjectKind("1f4f7", ("camera",), flat=True),
    "television": ObjectKind("1f4fa", ("television", "tv"), flat=True),
    "alarm clock": ObjectKind("23f0", ("alarm clock", "clock")),
    "book": ObjectKind("1f4d5", ("book",), hues=_REDS, flat=True),
    "crown": ObjectKind("1f451", ("crown",)),
    "top hat": ObjectKind("1f3a9", ("top hat", "hat"), flat=True),
    "gift": ObjectKind("1f381", ("gift", "present", "gift box"), flat=True),
    "football": ObjectKind("26bd", ("football", "soccer ball")),
    "trophy": ObjectKind("1f3c6", ("trophy",), "trophies"),
    "teddy bear": ObjectKind("1f9f8", ("teddy bear", "teddy")),
    "backpack": ObjectKind("1f392", ("backpack", "rucksack"), hues=_REDS),
    "bucket": ObjectKind("1faa3", ("bucket", "pail"), hues=_BLUES, flat=True),
    "ghost": ObjectKind("1f47b", ("ghost",)),
    "heart": ObjectKind("2764-fe0f", ("heart",), hues=((345, 42),), floats=True),
    "dress": ObjectKind("1f457", ("dress",), "dresses", hues=_BLUES),
    "star": ObjectKind("2b50", ("star",), floats=True),
}

OBJECTS: dict[str, ObjectKind] = {**_ANIMALS, **_VEHICLES, **_PLACES_AND_PLANTS, **_FOOD, **_THINGS}
