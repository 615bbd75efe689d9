"""Approval of an adapter: what its operator declares is checked before it is added."""

from pathlib import Path

import pytest

from models import ModelFault
from service.adapters.approval import Approval, TrainedOnNobody, TrainedOnSubject
from service.adapters.registry import ADAPTERS_FOLDER
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    FileUnreadable,
    InputError,
    NotFound,
    Unavailable,
)
from service.likeness.checks import Likeness
from tests.support import adapters
from tests.support.people import BOB, ByColour, enrolled, granted


@pytest.fixture
def approval(installation: Installation, likeness: Likeness) -> Approval:
    return adapters.approval(installation, likeness)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return adapters.any_lora(tmp_path / "style.safetensors")


def test_a_grant_must_be_live_and_that_subjects(approval: Approval, file: Path, installation: Installation) -> None:
    ann, bob = enrolled(installation.consent), enrolled(installation.consent, BOB)
    given = granted(installation.consent, ann.subject)
    with pytest.raises(BadRequest, match="another subject's"):
        approval.approve(file, "ann", TrainedOnSubject(bob.subject, given))
    with pytest.raises(NotFound):
        approval.approve(file, "ann", TrainedOnSubject(ann.subject, "G-0000-0000-0000-0000"))
    installation.consent.grants.revoke(given)
    with pytest.raises(BadRequest, match="revoked"):
        approval.approve(file, "ann", TrainedOnSubject(ann.subject, given))
    assert installation.adapters.cards() == []


def test_samples_of_a_protected_person_contradict_the_declaration(
    approval: Approval, file: Path, installation: Installation, tmp_path: Path
) -> None:
    enrolled(installation.consent, BOB)
    with pytest.raises(BadRequest, match="protected person"):
        adapters.of_bob(approval, file, tmp_path)
    assert installation.adapters.cards() == []


def test_samples_that_are_none(approval: Approval, file: Path, installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest, match="0 sample images"):
        approval.approve(file, "style", TrainedOnNobody([tmp_path / "empty"]))
    with pytest.raises(FileUnreadable):
        approval.approve(file, "style", TrainedOnNobody([tmp_path / "nowhere.png"]))
    (tmp_path / "empty" / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError):
        approval.approve(file, "style", TrainedOnNobody([tmp_path / "empty"]))
    assert not list((installation.settings.home / ADAPTERS_FOLDER).glob("*"))


def test_an_adapter_of_nobody_is_added_with_the_faces_of_its_samples(
    approval: Approval, file: Path, installation: Installation, tmp_path: Path
) -> None:
    card = adapters.of_bob(approval, file, tmp_path)
    assert card.samples is not None
    assert (card.samples.images, card.samples.faces, card.samples.model) == (2, 1, ByColour.digest)
    assert (card.subject, card.grant) == (None, None)
    assert installation.adapters.cards() == [card]


def test_an_adapter_of_a_subject_names_the_grant(approval: Approval, file: Path, installation: Installation) -> None:
    ann = enrolled(installation.consent)
    number = granted(installation.consent, ann.subject)
    card = approval.approve(file, "ann", TrainedOnSubject(ann.subject, number))
    assert (card.subject, card.grant, card.samples) == (ann.subject, number, None)


def test_a_name_is_checked_before_the_file_is_read(approval: Approval, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="valid adapter name"):
        approval.approve(tmp_path / "missing.safetensors", "../style", TrainedOnNobody([]))


def test_a_face_model_that_fails_adds_nothing(
    approval: Approval, file: Path, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ByColour, rgb: object) -> None:
        raise ModelFault("out of memory")

    monkeypatch.setattr(ByColour, "__call__", fail)
    with pytest.raises(Unavailable, match="out of memory"):
        adapters.of_bob(approval, file, tmp_path)
    assert installation.adapters.cards() == []
