"""The operator's list of adapters: what stands on it, and what is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.adapters import ADAPTERS_FOLDER, AdapterCard, AdapterChoice, Adapters
from service.errors import AdapterRefused, BadRequest, Misconfigured, NotFound, Unavailable
from service.generation.adapter_files import AdapterFile, read_adapter
from service.house import House
from tests.support.adapters import any_lora
from tests.support.people import ANN, MODEL, likeness

GRANT = "G-0000-0000-0000-0000"


@pytest.fixture
def file(tmp_path: Path) -> AdapterFile:
    return read_adapter(any_lora(tmp_path / "style.safetensors"))


@pytest.fixture
def adapters(house: House) -> Adapters:
    return house.adapters


def card(file: AdapterFile, name: str = "style", **said: object) -> AdapterCard:
    return AdapterCard(name=name, kind=file.kind, digest=file.digest, size=file.size, **said)  # type: ignore[arg-type]


def of_nobody(adapters: Adapters, file: AdapterFile, name: str = "style") -> AdapterCard:
    samples = adapters.seal(name, file.digest, 2, MODEL, [likeness(ANN)])
    return adapters.add(file, card(file, name, samples=samples))


def test_what_is_added_can_be_chosen(adapters: Adapters, file: AdapterFile, house: House) -> None:
    of_nobody(adapters, file)
    adapters.add(file, card(file, "ann", subject="S-1", grant=GRANT))
    style, ann = adapters.chosen(["style:0.5", "ann"])
    assert (style.adapter.scale, ann.adapter.scale) == (0.5, 1.0)
    assert (style.grant, ann.grant) == (None, GRANT)
    assert ann.avoided is None
    assert style.avoided
    assert style.avoided.faces.within(likeness(ANN), 0.1)
    assert style.adapter.file.read_bytes() == file.path.read_bytes()
    (decision,) = house.ledger.decided("style")
    told = json.loads(decision.body)
    assert (decision.kind, told["action"], told["digest"], told["samples"]) == ("adapter", "added", file.digest, "2")


def test_no_face_lies_open(adapters: Adapters, file: AdapterFile, house: House) -> None:
    of_nobody(adapters, file)
    words = (house.settings.home / ADAPTERS_FOLDER / "style.json").read_text()
    from service.consent.words import as_text

    assert as_text(likeness(ANN)) not in words


def test_what_is_not_on_the_list_is_refused_and_not_repeated(adapters: Adapters, file: AdapterFile) -> None:
    assert adapters.chosen([]) == ()
    with pytest.raises(AdapterRefused) as refused:
        adapters.chosen(["ann-example"])
    assert "ann-example" not in refused.value.message
    of_nobody(adapters, file)
    with pytest.raises(AdapterRefused):
        adapters.chosen(["style", "ann-example"])
    with pytest.raises(BadRequest, match="twice"):
        adapters.chosen(["style", "style:0.5"])


def test_what_is_removed_is_gone(adapters: Adapters, file: AdapterFile, house: House) -> None:
    of_nobody(adapters, file)
    adapters.remove("style")
    assert list((house.settings.home / ADAPTERS_FOLDER).iterdir()) == []
    with pytest.raises(AdapterRefused):
        adapters.chosen(["style"])
    with pytest.raises(NotFound):
        adapters.remove("style")
    with pytest.raises(NotFound):
        adapters.remove("../../ledger")
    assert [json.loads(d.body)["action"] for d in house.ledger.decided("style")] == ["added", "removed"]


def test_a_name_stays_that_of_one_file(adapters: Adapters, file: AdapterFile, tmp_path: Path) -> None:
    of_nobody(adapters, file)
    adapters.remove("style")
    other = read_adapter(any_lora(tmp_path / "other.safetensors", {"note": "another"}))
    with pytest.raises(BadRequest, match="was the name of another file"):
        of_nobody(adapters, other)
    of_nobody(adapters, file)


@pytest.mark.parametrize("name", ["Ann", "a b", "../a", "", "x" * 65, "style"])
def test_names_that_cannot_be_given(adapters: Adapters, file: AdapterFile, name: str) -> None:
    of_nobody(adapters, file)
    with pytest.raises(BadRequest):
        adapters.check_new_name(name)


@pytest.mark.parametrize("said", [{}, {"subject": "S-1"}, {"grant": GRANT}, {"subject": "S-1", "grant": "Ann"}])
def test_a_card_declares_one_thing(file: AdapterFile, said: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        card(file, **said)


def test_a_card_cannot_declare_both(adapters: Adapters, file: AdapterFile) -> None:
    samples = adapters.seal("style", file.digest, 1, MODEL, [])
    with pytest.raises(ValidationError):
        card(file, subject="S-1", grant=GRANT, samples=samples)


def test_a_card_that_cannot_be_read_closes_the_list(adapters: Adapters, file: AdapterFile, house: House) -> None:
    of_nobody(adapters, file)
    place = house.settings.home / ADAPTERS_FOLDER / "style.json"
    whole = place.read_text()
    place.write_text(whole[:-10])
    with pytest.raises(Unavailable, match="cannot be read"):
        adapters.chosen(["style"])
    place.write_text(whole)
    place.rename(place.with_name("other.json"))
    with pytest.raises(Unavailable, match="is of style"):
        adapters.chosen(["other"])


@pytest.mark.parametrize("change", [{"faces": 2}, {"box": "AAAA"}])
def test_samples_that_were_changed_are_not_used(
    adapters: Adapters, file: AdapterFile, house: House, change: dict[str, object]
) -> None:
    of_nobody(adapters, file)
    place = house.settings.home / ADAPTERS_FOLDER / "style.json"
    values = json.loads(place.read_text())
    place.write_text(json.dumps({**values, "samples": {**values["samples"], **change}}))
    with pytest.raises(Misconfigured):
        adapters.chosen(["style"])


def test_the_faces_of_one_card_do_not_open_in_another(adapters: Adapters, file: AdapterFile) -> None:
    samples = adapters.seal("other", file.digest, 2, MODEL, [likeness(ANN)])
    adapters.add(file, card(file, samples=samples))
    with pytest.raises(Misconfigured):
        adapters.chosen(["style"])


def test_a_file_that_changes_while_it_is_added_is_not(adapters: Adapters, file: AdapterFile, house: House) -> None:
    made = card(file, subject="S-1", grant=GRANT)
    file.path.write_bytes(file.path.read_bytes() + b" ")
    with pytest.raises(Misconfigured, match="changed"):
        adapters.add(file, made)
    assert adapters.cards() == []


@settings(deadline=None)
@given(st.floats(0, 2).map(lambda scale: round(scale, 3)))
def test_every_scale_from_0_to_2_can_be_said(scale: float) -> None:
    assert TypeAdapter(AdapterChoice).validate_python(f"style:{scale:.3f}")


@pytest.mark.parametrize(
    "said", ["style:2.1", "style:-1", "style:", "style:nan", "style:1e1", "Ann Example", ":1", "a\n"]
)
def test_what_is_no_choice(said: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(AdapterChoice).validate_python(said)
