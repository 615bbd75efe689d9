import pytest

from detectors import read_metadata
from service.examiner.compliance import ComplianceReport, check, evidence_of
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.labels import PROFILES
from service.labels.labelling import Labels, profiles
from tests.assets.declared import png, text
from tests.support.gateway import ORDER, Build


def checked(installation: Installation, data: bytes, law: str) -> ComplianceReport:
    report = installation.examiner.examine(data, classify=False)
    return check(report, read_metadata(data), PROFILES[law])


def by_status(found: ComplianceReport, status: str) -> set[str]:
    return {item.id for item in found.items if item.status == status}


@pytest.fixture
def released(build: Build) -> bytes:
    labels = Labels(profiles(list(PROFILES)), always_visible=True)
    return build(labels=labels).release(ORDER).data


def test_what_a_released_image_carries_and_lacks(installation: Installation, released: bytes) -> None:
    lacking = {law: by_status(checked(installation, released, law), "lacking") for law in PROFILES}
    assert lacking == {
        "eu-ai-act-50": {"timestamp"},  # this installation has no time-stamp authority
        "ca-sb942": set(),
        "cn-gb45438": {"propagator"},
        "in-2026": set(),
    }
    complete = {law: checked(installation, released, law).complete for law in PROFILES}
    assert complete == {"eu-ai-act-50": False, "ca-sb942": True, "cn-gb45438": True, "in-2026": True}


def test_a_changed_file_loses_what_its_credential_said(installation: Installation, released: bytes) -> None:
    evidence = evidence_of(installation.examiner.examine(released + b"x", classify=False), read_metadata(released))
    assert not evidence.signed
    assert not evidence.disclosure
    assert not evidence.labelled
    assert evidence.marks


def test_without_labels_the_manifest_alone_does_for_california(installation: Installation, gateway: Gateway) -> None:
    data = gateway.release(ORDER).data
    found = checked(installation, data, "ca-sb942")
    assert found.complete
    assert by_status(found, "look") == {"visible_label"}
    assert by_status(checked(installation, data, "cn-gb45438"), "lacking") == {
        "label",
        "producer",
        "produce_id",
        "propagator",
    }


def test_a_strangers_file_by_its_metadata_alone(installation: Installation) -> None:
    label = '{"Label": "1", "ContentProducer": "x", "ProduceID": "7"}'
    found = checked(installation, png(text("AIGC", label)), "cn-gb45438")
    assert found.complete
    assert "legal advice" in found.notice
    assert not checked(installation, png(), "eu-ai-act-50").complete
