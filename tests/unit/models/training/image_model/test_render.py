"""Pictures show the facts of their scenes: who stands where, light, weather and style."""

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.image_model.brushes import SIZE
from models.training.image_model.render import CELL, placements, render
from models.training.image_model.scenes import ARRANGEMENTS, Scene, Thing, sample
from models.training.image_model.styles import BLOCK
from models.training.image_model.vocabulary import PLACES

CAR = Scene((Thing("car", "red"),), "one", "beach", seed=3)


def pixels(scene: Scene, sprites: Path) -> np.ndarray:
    return np.asarray(render(scene, sprites)).astype(int)


@pytest.mark.parametrize("setting", PLACES)
def test_every_setting_draws_and_gets_dark_at_night(setting: str, sprites: Path) -> None:
    day, night = (pixels(replace(CAR, setting=setting, time=time), sprites) for time in ("day", "night"))
    assert day.shape == (SIZE, SIZE, 3)
    assert night.mean() < day.mean() - 40


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_scene_gives_the_same_picture(seed: int, sprites: Path) -> None:
    scene = sample(random.Random(seed))
    assert np.array_equal(pixels(scene, sprites), pixels(scene, sprites))


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_a_named_colour_shows(colour: str, sprites: Path) -> None:
    scene = Scene((Thing("car", colour),), "one", "studio", backdrop="grey")
    middle = pixels(scene, sprites)[120:180, 110:146].mean((0, 1))
    assert middle.argmax() == ("red", "green", "blue").index(colour)


def test_a_backdrop_has_its_colour(sprites: Path) -> None:
    corner = pixels(Scene((), "empty", "studio", backdrop="green"), sprites)[:20, :20].mean((0, 1))
    assert corner.argmax() == 1


@given(st.integers(0, 2**32))
def test_objects_stay_in_the_picture_on_whole_cells(seed: int) -> None:
    scene = sample(random.Random(seed))
    for placed in placements(scene, (0.9, 0.7)):
        left, top, right, bottom = placed.box
        assert 0 <= left < right <= SIZE
        assert bottom <= SIZE
        assert top >= -24
        assert all(side % CELL == 0 for side in placed.box)


@pytest.mark.parametrize(("arrangement", "count"), [("one", 1), ("two", 2), ("three", 3)])
def test_a_count_is_what_is_drawn_without_overlap(arrangement: str, count: int) -> None:
    boxes = [placed.box for placed in placements(replace(CAR, arrangement=arrangement))]
    assert len(boxes) == count
    assert all(one[2] <= other[0] for one, other in pairwise(boxes))


def test_relations_are_what_they_say() -> None:
    pair = (Thing("fox"), Thing("book"))
    left, right = placements(Scene(pair, "left of", "beach"))
    assert (left.thing.kind, right.thing.kind) == ("fox", "book")
    assert left.box[2] <= right.box[0]
    below, above = placements(Scene(pair, "on", "beach"), (1.0, 0.8))
    assert (above.thing.kind, below.thing.kind) == ("fox", "book")
    assert below.box[1] < above.foot < below.foot
    hidden, front = placements(Scene(pair, "behind", "beach"))
    assert (hidden.thing.kind, front.thing.kind) == ("fox", "book")
    assert hidden.foot < front.foot
    assert hidden.box[0] < front.box[2]


def test_nothing_stands_in_an_empty_landscape() -> None:
    assert placements(Scene((), "empty", "beach")) == []


def test_every_arrangement_can_be_placed() -> None:
    for arrangement in ARRANGEMENTS:
        things = (Thing("fox"), Thing("book"))[: {"empty": 0, "left of": 2, "on": 2, "behind": 2}.get(arrangement, 1)]
        assert len(placements(Scene(things, arrangement, "room"))) >= len(things)


@pytest.mark.parametrize("weather", ["rain", "snowfall", "fog"])
def test_weather_changes_the_sky(weather: str, sprites: Path) -> None:
    clear, other = (pixels(replace(CAR, weather=name), sprites)[:90] for name in ("clear", weather))
    assert np.abs(clear - other).mean() > 20


def test_pixel_art_is_made_of_blocks(sprites: Path) -> None:
    drawn = pixels(replace(CAR, style="pixel art"), sprites)
    blocks = drawn.reshape(SIZE // BLOCK, BLOCK, SIZE // BLOCK, BLOCK, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_a_sketch_is_grey_and_light(sprites: Path) -> None:
    drawn = pixels(replace(CAR, style="sketch"), sprites)
    assert (drawn == drawn[..., :1]).all()
    assert drawn.mean() > pixels(CAR, sprites).mean()


def test_a_watercolour_has_white_edges_and_keeps_its_colours(sprites: Path) -> None:
    drawn, plain = (pixels(replace(CAR, style=style), sprites) for style in ("watercolour", "plain"))
    assert (drawn[0] == 255).all()
    assert np.abs(drawn[60:200, 60:200] - plain[60:200, 60:200]).mean() < 40
