import numpy as np
import pytest

from detectors import FaceMatch
from models import ModelFault
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import Snapshot, face_index
from service.likeness.schemas import Embedding
from service.likeness.template_index import NumberedTemplates


def face(value: float) -> Embedding:
    return np.full(128, value, np.float32)


def snapshot(faces: dict[int, float]) -> Snapshot[Embedding]:
    rows = np.array([face(value) for value in faces.values()], np.float32).reshape(-1, 128)
    return face_index().at(1, lambda _: Changes(np.array(list(faces), np.int64), rows))


def test_matches_are_numbered_by_age_without_gaps() -> None:
    templates = NumberedTemplates(snapshot({40: 0.0, 7: 0.01, 19: 1.0, 23: 0.0}))
    assert len(templates) == 4
    near = templates.within(face(0), 0.5)
    assert [match.index for match in near] == [2, 3, 0]  # 23 and 40 are equally near; 7 is next
    assert near[0] == FaceMatch(2, 0.0)
    assert near[2].distance == pytest.approx(0.01 * np.sqrt(128))


def test_nobody_is_found_among_none() -> None:
    templates = NumberedTemplates(snapshot({}))
    assert len(templates) == 0
    assert templates.within(face(0), 1.0) == []


def test_what_is_no_embedding_is_refused() -> None:
    templates = NumberedTemplates(snapshot({1: 0.0}))
    with pytest.raises(ModelFault):
        templates.within(face(np.nan), 1.0)
