import numpy as np
import pytest

from models import DigestMismatch, ModelFault, Session, find_card


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(find_card("open_nsfw"), "open-nsfw.onnx")


def test_it_runs_a_batch(session: Session) -> None:
    assert session.run(np.zeros((3, 224, 224, 3), np.float32)).shape == (3, 2)


@pytest.mark.parametrize("bad", [np.zeros((1, 3, 8, 8), np.float32), np.full((1, 224, 224, 3), np.nan, np.float32)])
def test_what_is_no_answer_is_a_fault(session: Session, bad: np.ndarray) -> None:
    with pytest.raises(ModelFault, match="open_nsfw"):
        session.run(bad)


def test_a_provider_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ModelFault, match="NoSuchProvider"):
        Session(find_card("open_nsfw"), "open-nsfw.onnx", providers=("NoSuchProvider",))


def test_other_weights_are_not_loaded() -> None:
    card = find_card("open_nsfw").model_copy(update={"files": {"open-nsfw.onnx": "0" * 64}})
    with pytest.raises(DigestMismatch):
        Session(card, "open-nsfw.onnx")


def test_a_file_that_is_no_model_is_a_fault() -> None:
    import hashlib

    card = find_card("open_nsfw")
    data = (card.source.root() / "__init__.py").read_bytes()
    other = card.model_copy(update={"files": {"__init__.py": hashlib.sha256(data).hexdigest()}})
    with pytest.raises(ModelFault, match="cannot load"):
        Session(other, "__init__.py")
