"""Rectangles in pages, screenshots and collages that may each be a picture."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, photo
from watermark.tile.margins import Box
from watermark.tile.panels import panels

EXACT = 3
"""Pixels by which an edge may be off."""


def is_found(box: Box, found: list[Box]) -> bool:
    return any(max(abs(a - b) for a, b in zip(box, other, strict=True)) <= EXACT for other in found)


def page(side: int = 900) -> Rgb:
    """Text and boxes on paper."""
    paper = np.full((side, side, 3), 246, np.uint8)
    for row in range(20, side, 22):
        text = "".join(chr(97 + (row * k) % 26) if k % 6 else " " for k in range(60))
        cv2.putText(paper, text, (15, row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
    return paper


def collage() -> Rgb:
    tiles = [photo(name, 300, 300) for name in PHOTOS]
    return np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])


def inset(onto: Rgb) -> Rgb:
    result = onto.copy()
    result[210:510, 130:470] = photo("coffee", 340, 300)
    return result


CASES: dict[str, tuple[Callable[[], Rgb], list[Box]]] = {
    "a collage": (
        collage,
        [(0, 0, 300, 300), (0, 300, 300, 600), (300, 0, 600, 300), (300, 300, 600, 600)],
    ),
    "on a page of text": (lambda: inset(page()), [(210, 130, 510, 470)]),
    "on another photograph": (lambda: inset(photo("chelsea", 900, 900)), [(210, 130, 510, 470)]),
    "in the corner of a page": (
        lambda: np.pad(photo("rocket", 400, 300), ((0, 500), (0, 500), (0, 0))),
        [(0, 0, 300, 400)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_pictures_are_found(case: str) -> None:
    make, boxes = CASES[case]
    found = panels(make(), 8)
    assert len(found) <= 8
    assert all(is_found(box, found) for box in boxes)


def test_large_images_are_looked_at_in_a_smaller_copy() -> None:
    large = cv2.resize(collage(), (2400, 2400), interpolation=cv2.INTER_CUBIC)
    found = panels(np.asarray(large, np.uint8), 8)
    assert any(max(abs(a - b) for a, b in zip(box, (0, 0, 1200, 1200), strict=True)) <= 8 for box in found)


@pytest.mark.parametrize(
    "rgb", [photo("astronaut"), np.zeros((300, 300, 3), np.uint8), np.zeros((2, 700, 3), np.uint8)]
)
def test_few_are_found_where_there_are_none(rgb: Rgb) -> None:
    assert len(panels(rgb, 8)) <= 2
