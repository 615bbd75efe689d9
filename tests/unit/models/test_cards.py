import hashlib
import json
from pathlib import Path

import pytest

from models import Card, DigestMismatch, ModelError, ModelMissing, all_cards, find_card
from models import cards as module
from tests.support.faces import WITHOUT_FACES


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    monkeypatch.setattr(module, "HERE", tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "a.bin").write_bytes(b"weights")
    return Card.model_validate(
        {
            "name": "small",
            "version": "1",
            "task": "image-safety",
            "licence": "Apache-2.0",
            "summary": "A file.",
            "source": {"kind": "shipped", "path": "weights"},
            "files": {"a.bin": hashlib.sha256(b"weights").hexdigest()},
        }
    )


def test_a_right_file_is_read(card: Card) -> None:
    assert card.read("a.bin") == b"weights"
    assert card.verified_root().name == "weights"
    assert card.identity == "small@1"


def test_an_altered_file_is_refused(card: Card, tmp_path: Path) -> None:
    (tmp_path / "weights" / "a.bin").write_bytes(b"weightz")
    with pytest.raises(DigestMismatch, match=r"a\.bin"):
        card.read("a.bin")
    with pytest.raises(DigestMismatch):
        card.verified_root()


def test_a_missing_file_is_said_to_be_missing(card: Card, tmp_path: Path) -> None:
    (tmp_path / "weights" / "a.bin").unlink()
    with pytest.raises(ModelMissing, match="reinstall"):
        card.read("a.bin")


def test_a_file_the_card_does_not_name_is_not_read(card: Card, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(ModelMissing, match="does not list a file"):
        card.read("../secret")


def test_the_digest_depends_on_every_file(card: Card) -> None:
    other = card.model_copy(update={"files": {**card.files, "b.bin": "0" * 64}})
    assert other.digest != card.digest


def test_a_package_that_is_not_installed(card: Card) -> None:
    source = module.Package(kind="package", distribution="no-such-thing", path="x")
    with pytest.raises(ModelMissing, match="pip install no-such-thing"):
        card.model_copy(update={"source": source}).read("a.bin")


def test_a_package_of_an_extra_names_the_extra(card: Card) -> None:
    source = module.Package(kind="package", distribution="no-such-thing", path="x", extra="faces")
    with pytest.raises(ModelMissing, match=r"pip install 'countermark\[faces\]'"):
        card.model_copy(update={"source": source}).read("a.bin")


def test_a_malformed_card_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({"name": "bad"}))
    with pytest.raises(ModelError, match=r"bad\.json"):
        list(all_cards(tmp_path))


def test_an_unknown_name() -> None:
    with pytest.raises(ModelMissing, match="models list"):
        find_card("nobody")


def test_every_shipped_card_is_whole() -> None:
    cards = list(all_cards())
    assert {card.name for card in cards} >= {"open_nsfw", "scenes-256", "synthetic"}
    for card in cards:
        optional = card.source.kind in ("wheel", "npm") or (card.name == "dlib-faces" and WITHOUT_FACES)
        if not optional:
            assert card.verified_root().is_dir()


def test_a_folder_of_cards_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    assert list(all_cards(tmp_path / "absent")) == list(all_cards())
    (tmp_path / "cards").write_text("no folder")
    with pytest.raises(ModelError, match="folder of cards"):
        list(all_cards(tmp_path / "cards"))


@pytest.mark.parametrize("path", ["../up", "a/../../b", "/etc/passwd", "a\\b", "", "a//b", "c:/x", "."])
def test_a_file_outside_of_its_folder_is_no_file(card: Card, path: str) -> None:
    with pytest.raises(ValueError, match="not a relative path inside"):
        Card.model_validate({**card.model_dump(), "files": {path: "0" * 64}})


@pytest.mark.parametrize("change", [{"name": ".."}, {"version": "../keys"}, {"name": "a/b"}, {"version": ".partial"}])
def test_a_name_that_leads_elsewhere_is_no_name(card: Card, change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Card.model_validate({**card.model_dump(), **change})


def test_a_folder_of_cards_that_is_a_dangling_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cards").symlink_to(tmp_path / "not mounted")
    with pytest.raises(ModelError, match="is a broken link"):
        list(all_cards(tmp_path / "cards"))
