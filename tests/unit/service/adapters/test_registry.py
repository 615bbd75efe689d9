"""The operator's list of adapters: what stands on it, and what is refused."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.adapters.registry import ADAPTERS_FOLDER, AdapterCard, AdapterChoice, Adapters
from service.generation.adapter_files import AdapterFile, read_adapter
from service.installation import Installation
from service.kit.errors import AdapterRefused, BadRequest, Misconfigured, NotFound, Unavailable
from service.ledger.ledger import Transaction
from service.storage import Kind
from tests.support.adapters import any_lora
from tests.support.people import ANN, MODEL, likeness

GRANT = "G-0000-0000-0000-0000"


@pytest.fixture
def file(tmp_path: Path) -> AdapterFile:
    return read_adapter(any_lora(tmp_path / "style.safetensors"))


@pytest.fixture
def adapters(installation: Installation) -> Adapters:
    return installation.adapters


def card(file: AdapterFile, name: str = "style", **said: object) -> AdapterCard:
    return AdapterCard(name=name, kind=file.kind, digest=file.digest, size=file.size, **said)


def of_nobody(adapters: Adapters, file: AdapterFile, name: str = "style") -> AdapterCard:
    samples = adapters.seal(name, file.digest, 2, MODEL, [likeness(ANN)])
    return adapters.add(file, card(file, name, samples=samples))


def test_what_is_added_can_be_chosen(adapters: Adapters, file: AdapterFile, installation: Installation) -> None:
    of_nobody(adapters, file)
    adapters.add(file, card(file, "ann", subject="S-1", grant=GRANT))
    style, ann = adapters.resolve(["style:0.5", "ann"])
    assert (style.adapter.scale, ann.adapter.scale) == (0.5, 1.0)
    assert (style.grant, ann.grant) == (None, GRANT)
    assert ann.excluded is None
    assert style.excluded
    assert style.excluded.faces.within(likeness(ANN), 0.1)
    assert style.adapter.file.read_bytes() == file.path.read_bytes()
    (decision,) = installation.ledger.decided("style")
    told = json.loads(decision.body)
    assert (decision.kind, told["action"], told["digest"], told["samples"]) == ("adapter", "added", file.digest, "2")


def test_no_face_lies_open(adapters: Adapters, file: AdapterFile, installation: Installation) -> None:
    of_nobody(adapters, file)
    words = (installation.settings.home / ADAPTERS_FOLDER / "style.json").read_text()
    from service.likeness.schemas import as_text

    assert as_text(likeness(ANN)) not in words


def test_what_is_not_on_the_list_is_refused_and_not_repeated(adapters: Adapters, file: AdapterFile) -> None:
    assert adapters.resolve([]) == ()
    with pytest.raises(AdapterRefused) as refused:
        adapters.resolve(["ann-example"])
    assert "ann-example" not in refused.value.message
    of_nobody(adapters, file)
    with pytest.raises(AdapterRefused):
        adapters.resolve(["style", "ann-example"])
    with pytest.raises(BadRequest, match="twice"):
        adapters.resolve(["style", "style:0.5"])


def test_what_is_removed_is_gone(adapters: Adapters, file: AdapterFile, installation: Installation) -> None:
    of_nobody(adapters, file)
    adapters.remove("style")
    assert list((installation.settings.home / ADAPTERS_FOLDER).iterdir()) == []
    with pytest.raises(AdapterRefused):
        adapters.resolve(["style"])
    with pytest.raises(NotFound):
        adapters.remove("style")
    with pytest.raises(NotFound):
        adapters.remove("../../ledger")
    assert [json.loads(d.body)["action"] for d in installation.ledger.decided("style")] == ["added", "removed"]


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


def test_a_card_that_cannot_be_read_closes_the_list(
    adapters: Adapters, file: AdapterFile, installation: Installation
) -> None:
    of_nobody(adapters, file)
    place = installation.settings.home / ADAPTERS_FOLDER / "style.json"
    whole = place.read_text()
    place.write_text(whole[:-10])
    closed(adapters, "style")
    place.write_text(whole)
    place.rename(place.with_name("other.json"))
    closed(adapters, "other")


def closed(adapters: Adapters, name: str) -> None:
    """Whoever orders is not told where the list lies and what stands on it."""
    with pytest.raises(Unavailable) as refused:
        adapters.resolve(["mine"])
    assert refused.value.message == "the list of adapters cannot be read"
    assert name not in str(refused.value.hint)


def test_a_card_that_is_removed_while_the_list_is_read_is_not_on_it(
    adapters: Adapters, file: AdapterFile, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_nobody(adapters, file)
    of_nobody(adapters, file, "other")
    paths = list((installation.settings.home / ADAPTERS_FOLDER).glob("*.json"))
    adapters.remove("other")
    monkeypatch.setattr(Path, "glob", lambda self, pattern: paths)
    assert [card.name for card in adapters.cards()] == ["style"]


def test_what_cannot_be_decided_is_not_done(
    adapters: Adapters, file: AdapterFile, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> None:
        raise Unavailable("the disk is full")

    of_nobody(adapters, file)
    before = {path.name for path in (installation.settings.home / ADAPTERS_FOLDER).iterdir()}
    monkeypatch.setattr("service.ledger.transaction.link", full)
    with pytest.raises(Unavailable, match="full"):
        of_nobody(adapters, file, "other")
    with pytest.raises(Unavailable, match="full"):
        adapters.remove("style")
    assert [card.name for card in adapters.cards()] == ["style"]
    assert {path.name for path in (installation.settings.home / ADAPTERS_FOLDER).iterdir()} == before
    assert adapters.resolve(["style"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_of_two_who_add_one_name_one_is_refused(
    adapters: Adapters,
    file: AdapterFile,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    """The other one comes just before or just after this one's decision; after it, only with the same file."""
    other = read_adapter(any_lora(tmp_path / "other.safetensors", {"note": "another"})) if when == "before" else file
    decision = installation.ledger.decision

    @contextlib.contextmanager
    def meanwhile(kind: Kind, subject: str) -> Iterator[Transaction]:
        monkeypatch.setattr(installation.ledger, "decision", decision)
        if when == "before":
            adapters.add(other, card(other, subject="S-1", grant=GRANT))
        with decision(kind, subject) as transaction:
            yield transaction
        if when == "after":
            adapters.add(other, card(other, subject="S-1", grant=GRANT))

    monkeypatch.setattr(installation.ledger, "decision", meanwhile)
    with pytest.raises(BadRequest, match="there is an adapter named style"):
        of_nobody(adapters, file)
    (listed,) = adapters.cards()
    assert (listed.subject, listed.digest) == ("S-1", other.digest)
    (chosen,) = adapters.resolve(["style"])
    assert chosen.adapter.file.read_bytes() == other.path.read_bytes()


def test_a_home_that_cannot_be_written_is_said(
    adapters: Adapters, file: AdapterFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_nobody(adapters, file)

    def denied(*args: object, **more: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(Path, "unlink", denied)
    with pytest.raises(Misconfigured, match="cannot be written"):
        adapters.remove("style")
    monkeypatch.setattr("os.link", denied)
    with pytest.raises(Misconfigured, match="cannot be written"):
        of_nobody(adapters, file, "other")


def test_what_is_used_must_still_stand_on_the_list(
    adapters: Adapters, file: AdapterFile, installation: Installation
) -> None:
    def check() -> None:
        with installation.ledger.read() as stored:
            adapters.check_still_listed(stored, used)

    of_nobody(adapters, file)
    used = adapters.resolve(["style"])
    check()
    place = installation.settings.home / ADAPTERS_FOLDER / "style.json"
    words = place.read_text()
    adapters.remove("style")
    with pytest.raises(AdapterRefused, match="meanwhile"):
        check()
    place.write_text(words)  # decided, and not done: the process was killed
    with pytest.raises(AdapterRefused, match="meanwhile"):
        check()
    place.unlink()
    adapters.add(file, card(file, subject="S-1", grant=GRANT))
    with pytest.raises(AdapterRefused, match="meanwhile"):
        check()


@pytest.mark.parametrize("change", [{"faces": 2}, {"box": "AAAA"}])
def test_samples_that_were_changed_are_not_used(
    adapters: Adapters, file: AdapterFile, installation: Installation, change: dict[str, object]
) -> None:
    of_nobody(adapters, file)
    place = installation.settings.home / ADAPTERS_FOLDER / "style.json"
    values = json.loads(place.read_text())
    place.write_text(json.dumps({**values, "samples": {**values["samples"], **change}}))
    with pytest.raises(Misconfigured):
        adapters.resolve(["style"])


def test_the_faces_of_one_card_do_not_open_in_another(adapters: Adapters, file: AdapterFile) -> None:
    samples = adapters.seal("other", file.digest, 2, MODEL, [likeness(ANN)])
    adapters.add(file, card(file, samples=samples))
    with pytest.raises(Misconfigured):
        adapters.resolve(["style"])


def test_a_file_that_changes_while_it_is_added_is_not(
    adapters: Adapters, file: AdapterFile, installation: Installation
) -> None:
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
