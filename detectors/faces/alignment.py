"""Face alignment by five landmarks, as SFace and similar embedders were trained with."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models import ModelFault

SIDE = 112

TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float64
)
"""Positions of the landmarks in the aligned square, (x, y) in px of 112, float64 (5, 2): the eye on the image's left,
the one on its right, the tip of the nose, the left and the right corner of the mouth. From
`FaceRecognizerSF::alignCrop` (https://github.com/opencv/opencv/blob/5.x/modules/objdetect/src/face_recognize.cpp)."""


def upright(rgb: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The aligned face (uint8, 112 x 112 x 3) with these `landmarks` (float64 (5, 2), px, in the template's order).

    Plain bilinear sampling, even when a large face is reduced: the embedders were trained on such squares.

    Raises:
        ModelFault: all landmarks coincide.
    """
    return np.asarray(cv2.warpAffine(rgb, similarity(landmarks), (SIDE, SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def similarity(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least-squares similarity transform (float64 (2, 3)) from the landmarks to the template, without reflection.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.

    Raises:
        ModelFault: all landmarks coincide, or they are not finite.
    """
    centre, target_centre = landmarks.mean(axis=0), TEMPLATE.mean(axis=0)
    points, target = landmarks - centre, TEMPLATE - target_centre
    spread = float((points * points).sum())
    if not 0 < spread < np.inf:
        raise ModelFault("the landmarks of a face coincide or are not finite")
    u, singular, vt = np.linalg.svd(target.T @ points)
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    matrix = (u * signs) @ vt * float(singular @ signs) / spread
    return np.hstack([matrix, (target_centre - matrix @ centre)[:, None]])
