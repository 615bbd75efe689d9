"""A face turned upright by five points, as SFace and its kind were trained on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models import ModelFault

SIDE = 112

TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float64
)
"""Where the points of a face belong in the upright square, (x, y) in px of 112, float64 (5, 2): the eye on the
picture's left, that on its right, the tip of the nose, the left and the right corner of the mouth. From
`FaceRecognizerSF::alignCrop` (https://github.com/opencv/opencv/blob/5.x/modules/objdetect/src/face_recognize.cpp)."""


def upright(rgb: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The face (uint8, 112 x 112 x 3) whose `landmarks` (float64 (5, 2), px, in the template's order) are given.

    Plain bilinear sampling, also where a large face is reduced: the embedders were trained on such squares.

    Raises:
        ModelFault: the points lie in one place.
    """
    return np.asarray(cv2.warpAffine(rgb, similarity(landmarks), (SIDE, SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def similarity(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The move, turn and scaling (float64 (2, 3)) that brings points nearest to the template, by least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991; never a mirror
    image.

    Raises:
        ModelFault: the points lie in one place, or are not finite.
    """
    centre, middle = landmarks.mean(axis=0), TEMPLATE.mean(axis=0)
    points, wanted = landmarks - centre, TEMPLATE - middle
    spread = float((points * points).sum())
    if not 0 < spread < np.inf:
        raise ModelFault("the points of a face lie in one place, or nowhere")
    u, stretch, vt = np.linalg.svd(wanted.T @ points)
    handed = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    matrix = (u * handed) @ vt * float(stretch @ handed) / spread
    return np.hstack([matrix, (middle - matrix @ centre)[:, None]])
