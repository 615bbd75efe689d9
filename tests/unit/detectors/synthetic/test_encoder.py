from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.synthetic.encoder import BLOCKS, FEATURES, Encoder, tensor_of
from models import DigestMismatch, ModelMissing, Session
from tests.support.encoders import write_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(write_encoder(tmp_path_factory.mktemp("encoder")))


def test_there_is_a_row_of_features_for_each_view(encoder: Encoder) -> None:
    views = np.stack([np.full((224, 224, 3), value, np.uint8) for value in (0, 128, 255)])
    found = encoder(views)
    assert found.shape == (3, FEATURES)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_view_does_not_depend_on_the_others(encoder: Encoder) -> None:
    views = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), np.uint8)
    assert np.array_equal(encoder(views)[1:2], encoder(views[1:2]))


def test_a_block_gives_its_class_token_and_the_mean_and_deviation_of_its_patches(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    blocks = [rng.normal(size=(1, 197, 768)).astype(np.float32) for _ in BLOCKS]
    monkeypatch.setattr(Session, "run_all", lambda self, pixels: blocks)
    (found,) = encoder(np.zeros((1, 224, 224, 3), np.uint8)).reshape(1, len(BLOCKS), 3, 768)
    for row, tokens in zip(found, blocks, strict=True):
        assert row[0] == pytest.approx(tokens[0, 0])
        assert row[1] == pytest.approx(tokens[0, 1:].mean(axis=0), abs=1e-6)
        assert row[2] == pytest.approx(tokens[0, 1:].std(axis=0), abs=1e-5)


def test_a_neighbourhood_is_described_like_an_image(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    blocks = [rng.normal(size=(1, 197, 768)).astype(np.float32) for _ in BLOCKS]
    monkeypatch.setattr(Session, "run_all", lambda self, pixels: blocks)
    found = encoder.of_neighbourhoods(np.zeros((224, 224, 3), np.uint8)).reshape(14, 14, len(BLOCKS), 3, 768)
    around = blocks[1][0, 1:].reshape(14, 14, 768)[4:9, 6:11].reshape(25, 768)
    assert found[6, 8, 1, 0] == pytest.approx(blocks[1][0, 0])
    assert found[6, 8, 1, 1] == pytest.approx(around.mean(axis=0), abs=1e-5)
    assert found[6, 8, 1, 2] == pytest.approx(around.std(axis=0), abs=1e-4)


def test_several_threads_take_several_views_at_a_time(encoder: Encoder) -> None:
    several = Encoder(encoder.card, threads=4)
    views = np.random.default_rng(1).integers(0, 256, (9, 224, 224, 3), np.uint8)
    np.testing.assert_allclose(several(views), encoder(views), atol=1e-5)


def test_pixels_are_normalised_as_clip_was_trained(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[np.float32]] = []

    def run_all(self: Session, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        seen.append(pixels)
        return [np.zeros((1, 197, 768), np.float32)] * len(BLOCKS)

    monkeypatch.setattr(Session, "run_all", run_all)
    encoder(np.full((1, 224, 224, 3), (0, 0, 255), np.uint8))
    (pixels,) = seen
    assert pixels.shape == (1, 3, 224, 224)
    assert pixels[0, :, 0, 0] == pytest.approx([-1.7923, -1.7521, 2.1459], abs=1e-4)


def test_the_tensors_of_blocks_are_distinct() -> None:
    assert len({tensor_of(block) for block in BLOCKS}) == len(BLOCKS)


def test_features_follow_the_picture(encoder: Encoder) -> None:
    views = np.stack([np.full((224, 224, 3), value, np.uint8) for value in (0, 250)])
    dark, light = encoder(views)
    assert dark.shape == (FEATURES,)
    assert np.abs(dark - light).max() > 0.1


def test_an_encoder_that_was_not_pulled_is_missing() -> None:
    with pytest.raises(ModelMissing, match="models pull"):
        Encoder()


def test_an_altered_encoder_is_refused(tmp_path: Path) -> None:
    card = write_encoder(tmp_path)
    (name,) = card.files
    (tmp_path / name).write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        Encoder(card)
