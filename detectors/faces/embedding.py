"""A face as 128 numbers: dlib's ResNet (http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.faces.comparison import check_embedding
from detectors.faces.face import DIMENSIONS


def embed(network: Any, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The embedding (float32, (128,), read-only) of an aligned face (uint8, 150 x 150 x 3).

    Raises:
        ModelFault: the network did not return a valid embedding.
    """
    embedding = np.array(network.compute_face_descriptor(chip), np.float32)
    check_embedding(embedding, DIMENSIONS)
    embedding.setflags(write=False)
    return embedding
