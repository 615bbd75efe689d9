"""What is drawn at random: only what the world holds, and never what is kept out."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from models.training.image_model.objects import OBJECTS
from models.training.image_model.scenes import ARRANGEMENTS, Scene, Thing, sample
from models.training.image_model.vocabulary import OBJECT_COLOURS, PLACES, STUDIO, STYLES, TIMES, WEATHERS

seeds = st.integers(0, 2**32)


def test_the_world_is_as_wide_as_promised() -> None:
    assert len(OBJECTS) >= 100
    assert len(PLACES) >= 8
    assert len(STYLES) >= 3
    assert len({kind.code for kind in OBJECTS.values()}) == len(OBJECTS)


@given(seeds)
def test_the_same_seed_draws_the_same_scene(seed: int) -> None:
    assert sample(random.Random(seed)) == sample(random.Random(seed))


@given(seeds, st.booleans())
def test_a_scene_is_of_the_side_that_was_asked_for(seed: int, kept_out: bool) -> None:
    assert sample(random.Random(seed), kept_out=kept_out).held_out == kept_out


@given(seeds)
def test_a_scene_makes_sense(seed: int) -> None:
    scene = sample(random.Random(seed))
    assert len(scene.things) == {"empty": 0, "left of": 2, "on": 2, "behind": 2}.get(scene.arrangement, 1)
    assert (scene.backdrop is not None) == (scene.setting == STUDIO)
    for thing in scene.things:
        assert thing.colour is None or (OBJECTS[thing.kind].hues and thing.colour in OBJECT_COLOURS)
        assert thing.colour is None or thing.colour != scene.backdrop
    if scene.arrangement == "on":
        assert OBJECTS[scene.things[1].kind].flat
        assert not OBJECTS[scene.things[0].kind].floats


def test_everything_of_the_world_is_drawn() -> None:
    rng = random.Random(0)
    scenes = [sample(rng) for _ in range(6_000)]
    assert {thing.kind for scene in scenes for thing in scene.things} == set(OBJECTS)
    assert {scene.setting for scene in scenes} == {STUDIO, *PLACES}
    assert {scene.time for scene in scenes} == set(TIMES)
    assert {scene.weather for scene in scenes} == set(WEATHERS)
    assert {scene.style for scene in scenes} == set(STYLES)
    assert {scene.arrangement for scene in scenes} == set(ARRANGEMENTS)


def test_about_one_pair_in_ten_is_kept_out() -> None:
    pairs = [Scene((Thing(kind),), "one", place) for kind in OBJECTS for place in PLACES]
    kept = Counter(scene.held_out for scene in pairs)[True] / len(pairs)
    assert 0.07 < kept < 0.13


def test_what_is_kept_out_hangs_on_the_words_alone() -> None:
    kinds = list(OBJECTS)
    for kind in kinds[:40]:
        plain = Scene((Thing(kind),), "one", "beach", seed=1)
        dressed = Scene((Thing(kind, "red"),), "two", "beach", time="night", style="sketch", seed=2)
        assert plain.held_out == dressed.held_out
