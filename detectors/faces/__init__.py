"""Whose face is it? Finding, aligning and embedding faces, comparing two, and exact search among many."""

from detectors.faces.comparison import compare, distances
from detectors.faces.dlib_faces import DlibFaces
from detectors.faces.face import DIMENSIONS, Box, Face, FaceModel
from detectors.faces.onnx_embedder import EmbedderOptions, OnnxEmbedder
from detectors.faces.search import Match, Templates

__all__ = [
    "DIMENSIONS",
    "Box",
    "DlibFaces",
    "EmbedderOptions",
    "Face",
    "FaceModel",
    "Match",
    "OnnxEmbedder",
    "Templates",
    "compare",
    "distances",
]
