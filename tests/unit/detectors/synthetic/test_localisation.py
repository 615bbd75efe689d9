from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.synthetic.encoder import PATCHES
from detectors.synthetic.localisation import by_crops, by_tokens

REST = np.random.default_rng(5).integers(0, 60, (400, 700, 3), np.uint8)


class Light:
    """A model whose feature is the brightness of a place or crop, and a head that scores it from -1 to 1."""

    def of_neighbourhoods(self, view: NDArray[np.uint8]) -> NDArray[np.float32]:
        side = len(view) // PATCHES
        places = view.reshape(PATCHES, side, PATCHES, side, 3).mean(axis=(1, 3, 4))
        return np.asarray(places[..., None], np.float32)

    def of_crops(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(patches.mean(axis=(1, 2, 3))[:, None], np.float32)

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        assert features.ndim == 2
        return features / 127.5 - 1


MODEL = cast(Any, Light())


@pytest.mark.parametrize("by", [by_tokens, by_crops])
def test_the_map_is_high_where_the_head_is(by: Any) -> None:
    image = REST.copy()
    image[100:300, 400:600] = 250
    heat = by(image, MODEL, MODEL)
    assert heat.shape == image.shape[:2]
    assert heat.dtype == np.float32
    assert 0 <= heat.min() <= heat.max() <= 1
    assert heat[200, 500] > heat[200, 100] + 0.4
    assert np.unravel_index(heat.argmax(), heat.shape)[1] > 350


@pytest.mark.parametrize("size", [(128, 128), (128, 384), (330, 320)])
@pytest.mark.parametrize("by", [by_tokens, by_crops])
def test_every_place_is_covered(by: Any, size: tuple[int, int]) -> None:
    heat = by(np.full((*size, 3), 255, np.uint8), MODEL, MODEL)
    assert heat.shape == size
    assert heat.min() == pytest.approx(1)
