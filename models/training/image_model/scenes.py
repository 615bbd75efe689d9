"""Scenes: the contents of a training image, and how they are sampled."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .holdout import held_out
from .objects import OBJECTS
from .vocabulary import CLEAR, COLOURS, OBJECT_COLOURS, PLACES, PLAIN, STUDIO, STYLES, WEATHERS

STUDIO_SHARE, COLOURED_SHARE, WEATHER_SHARE, STYLED_SHARE = 0.25, 0.7, 0.2, 0.3
COLOURABLE_WEIGHT = 1.6
TIME_WEIGHTS = {"day": 0.44, "sunset": 0.28, "night": 0.28}
ARRANGEMENT_WEIGHTS = {
    "empty": 0.04, "one": 0.52, "two": 0.09, "three": 0.09, "left of": 0.13, "on": 0.065, "behind": 0.065,
}  # fmt: skip
ARRANGEMENTS = tuple(ARRANGEMENT_WEIGHTS)
COUNTS = {"two": 2, "three": 3}


@dataclass(frozen=True)
class Thing:
    """One object of a scene. `colour`: None for its own colours."""

    kind: str
    colour: str | None = None


@dataclass(frozen=True)
class Scene:
    """The facts of one image.

    `things` is empty for the arrangement "empty"; has two objects for a relation, the first being "left of", "on" or
    "behind" the second; and otherwise one object, shown once or in a row of "two" or "three". `backdrop` is only set
    for studios. `seed` determines details that no word describes.
    """

    things: tuple[Thing, ...]
    arrangement: str
    setting: str
    backdrop: str | None = None
    time: str = "day"
    weather: str = CLEAR
    style: str = PLAIN
    seed: int = 0

    @property
    def count(self) -> int:
        """How often the first object appears."""
        return COUNTS.get(self.arrangement, min(1, len(self.things)))

    @property
    def held_out(self) -> bool:
        """Whether its combination of words is held out of training."""
        return held_out([thing.kind for thing in self.things], self.arrangement, self.backdrop or self.setting)


def sample(rng: random.Random, *, kept_out: bool = False) -> Scene:
    """Sample a scene from the training combinations, or with `kept_out` from the held-out ones."""
    while True:
        scene = _sample_any(rng)
        if scene.held_out == kept_out:
            return scene


def _sample_any(rng: random.Random) -> Scene:
    arrangement = rng.choices(ARRANGEMENTS, list(ARRANGEMENT_WEIGHTS.values()))[0]
    setting = STUDIO if rng.random() < STUDIO_SHARE else rng.choice(list(PLACES))
    backdrop = rng.choice(list(COLOURS)) if setting == STUDIO else None
    time = "day" if backdrop else rng.choices(list(TIME_WEIGHTS), list(TIME_WEIGHTS.values()))[0]
    weather = CLEAR
    if setting not in (STUDIO, "room") and rng.random() < WEATHER_SHARE:
        weather = rng.choice([name for name in WEATHERS if name != CLEAR])
    style = PLAIN
    if rng.random() < STYLED_SHARE:
        style = rng.choice([name for name in STYLES if name != PLAIN])
    things = _things(arrangement, backdrop, style, rng)
    return Scene(things, arrangement, setting, backdrop, time, weather, style, rng.getrandbits(32))


def _things(arrangement: str, backdrop: str | None, style: str, rng: random.Random) -> tuple[Thing, ...]:
    """The objects; in pencil sketches they have no colour."""
    if arrangement == "empty":
        return ()
    first = [name for name, kind in OBJECTS.items() if not (arrangement == "on" and (kind.floats or kind.large))]
    chosen = [_pick(first, rng)]
    if arrangement in ("left of", "on", "behind"):
        second = [n for n, kind in OBJECTS.items() if n != chosen[0] and (kind.flat or arrangement != "on")]
        if arrangement == "behind":
            second = [name for name in second if not OBJECTS[name].floats]
        chosen.append(_pick(second, rng))
    return tuple(Thing(name, _colour(name, backdrop, style, rng)) for name in chosen)


def _pick(names: list[str], rng: random.Random) -> str:
    """Sample one of `names`; objects that can be coloured come more often, because they have more variants."""
    return rng.choices(names, [COLOURABLE_WEIGHT if OBJECTS[name].hues else 1.0 for name in names])[0]


def _colour(name: str, backdrop: str | None, style: str, rng: random.Random) -> str | None:
    if style == "sketch" or not OBJECTS[name].hues or rng.random() >= COLOURED_SHARE:
        return None
    return rng.choice([colour for colour in OBJECT_COLOURS if colour != backdrop])
