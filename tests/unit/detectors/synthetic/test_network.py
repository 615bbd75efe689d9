import numpy as np
import pytest
from skimage import data as photos

from detectors.synthetic.network import FEATURES, Network
from detectors.synthetic.views import crops, working_copy
from models import find_card


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(find_card("synthetic"))


def test_an_image_has_the_mean_features_of_its_crops(network: Network) -> None:
    images = [working_copy(photos.astronaut()), photos.coffee()[:150, :300], working_copy(photos.chelsea())]
    found = network.features(images)
    assert found.shape == (3, FEATURES)
    for image, row in zip(images, found, strict=True):
        np.testing.assert_allclose(row, network.of_crops(crops(image)).mean(axis=0), rtol=1e-3, atol=1e-3)
    assert np.abs(found[0] - found[1]).max() > 0.1
