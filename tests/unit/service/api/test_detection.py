import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.api.detection import DetectionLine, DetectionService, FailedDetection
from service.examiner.classifier import Detection
from service.installation import Installation
from service.kit.errors import BadRequest, UnsupportedFormat
from tests.assets import hostile

IMAGE = hostile.save(hostile.picture(), "PNG")


@pytest.fixture
def service(installation: Installation) -> Iterator[DetectionService]:
    with ThreadPoolExecutor(1) as threads:
        yield DetectionService(installation, threads)


def test_the_classifiers_open_with_the_first_file(service: DetectionService, installation: Installation) -> None:
    assert installation._classifier is None
    asyncio.run(service.judge((IMAGE, "a.png"), None))
    assert installation._classifier is not None


def test_a_line_is_the_detection_of_the_classifier(service: DetectionService, installation: Installation) -> None:
    line = asyncio.run(service.judge((IMAGE, "a.png"), 0.01))
    assert line.endswith("}\n")
    assert json.loads(line) == installation.classifier.detect(IMAGE, "a.png", 0.01).model_dump(mode="json")
    assert isinstance(DetectionLine.model_validate_json(line).root, Detection)


def test_a_file_that_cannot_be_judged_is_an_error_or_a_line(service: DetectionService) -> None:
    with pytest.raises(UnsupportedFormat):
        asyncio.run(service.judge((b"text", "b.txt"), None))
    failed = DetectionLine.model_validate_json(asyncio.run(service.judge_or_report((b"text", "b.txt"), None))).root
    assert isinstance(failed, FailedDetection)
    assert (failed.file, failed.error.code) == ("b.txt", "unsupported_format")
    assert failed.error.hint


def test_a_rate_without_a_threshold(service: DetectionService) -> None:
    asyncio.run(service.check_rate(0.05))
    asyncio.run(service.check_rate(None))
    with pytest.raises(BadRequest):
        asyncio.run(service.check_rate(0.2))
