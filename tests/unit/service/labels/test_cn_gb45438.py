import json
from dataclasses import replace

import pytest

from detectors import declarations
from detectors.declared.metadata import Field, Metadata
from service.labels import Evidence
from service.labels.cn_gb45438 import PROFILE
from tests.support.laws import FACTS, found, written


def carrying(**fields: object) -> Evidence:
    return Evidence(metadata=Metadata((Field("png_text", "AIGC", json.dumps(fields)),)))


def test_the_label_that_is_written_is_the_label_that_is_read() -> None:
    metadata = PROFILE.write(FACTS)
    assert found(PROFILE, written(metadata)) == {"label", "producer", "produce_id"}
    comment = Evidence(metadata=Metadata((Field("exif", "UserComment", metadata.comment),)))
    assert found(PROFILE, comment) == {"label", "producer", "produce_id"}
    assert {each.origin for each in declarations(comment.metadata)} == {"synthetic"}


def test_the_producers_code_replaces_the_name() -> None:
    label = json.loads(PROFILE.write(replace(FACTS, producer="00119111")).text["AIGC"])
    assert label["ContentProducer"] == "00119111"
    assert json.loads(PROFILE.write(FACTS).text["AIGC"])["ContentProducer"] == FACTS.provider
    assert list(label) == [
        "Label",
        "ContentProducer",
        "ProduceID",
        "ReservedCode1",
        "ContentPropagator",
        "PropagateID",
        "ReservedCode2",
    ]


@pytest.mark.parametrize(("value", "known"), [("1", True), ("2", True), (3, True), ("0", False), ("", False)])
def test_values_of_the_label(value: object, known: bool) -> None:
    assert ("label" in found(PROFILE, carrying(Label=value))) is known


def test_what_is_missing_is_lacking() -> None:
    assert found(PROFILE, carrying(Label="1", ProduceID="")) == {"label"}
    assert found(PROFILE, carrying(Label="1", ContentPropagator="x")) == {"label", "propagator"}
