"""What covers each cell of a scene."""

from pathlib import Path

import torch

from models.training.image_model.layout import KINDS, layouts_of
from models.training.image_model.scenes import Scene, Thing

SIDE = 8


def _kinds(scene: Scene, sprites: Path) -> list[list[str]]:
    return [[KINDS[kind] for kind in row] for row in layouts_of([scene], sprites, SIDE).kinds[0].view(SIDE, SIDE)]


def test_each_of_two_objects_covers_its_own_half(sprites: Path) -> None:
    rows = _kinds(Scene((Thing("car"), Thing("tree")), "left of", "beach"), sprites)
    assert rows[5] == ["car"] * 4 + ["tree"] * 4
    assert rows[0] == ["-"] * 8


def test_what_stands_in_front_hides_what_stands_behind(sprites: Path) -> None:
    kinds = _kinds(Scene((Thing("tree"), Thing("car")), "behind", "beach"), sprites)
    cells = [kind for row in kinds for kind in row]
    assert cells.count("car") > cells.count("tree") > 0


def test_places_are_shares_of_the_object_and_nothing_elsewhere(sprites: Path) -> None:
    kinds, places = layouts_of([Scene((Thing("car"),), "one", "beach")], sprites, SIDE)
    covered = places[kinds > 0]
    assert covered[:, :2].min() >= 0
    assert covered[:, :2].max() < 1
    assert covered[:, 2].unique().tolist() == [176 / 256]
    assert not places[kinds == 0].any()


def test_an_empty_scene_is_bare(sprites: Path) -> None:
    kinds, places = layouts_of([Scene((), "empty", "beach")], sprites, SIDE)
    assert torch.count_nonzero(kinds) == torch.count_nonzero(places) == 0
