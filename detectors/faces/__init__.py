"""Face recognition: detection, alignment, embedding, one-to-one comparison and exact search."""

from detectors.faces.card_faces import CardFaces
from detectors.faces.comparison import compare, distances
from detectors.faces.dlib_faces import DlibFaces
from detectors.faces.face import DIMENSIONS, Box, Face, FaceModel
from detectors.faces.onnx_embedder import FACE_COMPARISON, EmbedderOptions, OnnxEmbedder
from detectors.faces.recognition import FACE_RECOGNITION, FaceRecognitionOptions, open_faces
from detectors.faces.search import FaceMatch, Templates
from detectors.faces.turns import at_all_turns, by_turn, merged
from detectors.faces.yunet import FACE_DETECTION, YuNet, YuNetOptions

__all__ = [
    "DIMENSIONS",
    "FACE_COMPARISON",
    "FACE_DETECTION",
    "FACE_RECOGNITION",
    "Box",
    "CardFaces",
    "DlibFaces",
    "EmbedderOptions",
    "Face",
    "FaceMatch",
    "FaceModel",
    "FaceRecognitionOptions",
    "OnnxEmbedder",
    "Templates",
    "YuNet",
    "YuNetOptions",
    "at_all_turns",
    "by_turn",
    "compare",
    "distances",
    "merged",
    "open_faces",
]
