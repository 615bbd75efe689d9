"""A stand-in for the sprites: one plain shape for each object, since the package of the real ones is not ours."""

import colorsys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from models.training.image_model.objects import OBJECTS

SIDE = 48


@pytest.fixture(scope="session")
def sprites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of WebP files named by code: an ellipse each, of a hue that its kind lets one repaint."""
    folder = tmp_path_factory.mktemp("sprites")
    for number, kind in enumerate(OBJECTS.values()):
        hue = kind.hues[0][0] / 360 if kind.hues else number / len(OBJECTS)
        colour = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, 0.8))
        image = Image.new("RGBA", (SIDE, SIDE))
        ImageDraw.Draw(image).ellipse((4, 10, SIDE - 5, SIDE - 9), fill=(*colour, 255))
        image.save(folder / f"{kind.code}.webp", lossless=True)
    return folder
