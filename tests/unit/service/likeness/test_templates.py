"""Face templates in memory: who can be found, that an erasure is seen at once, and that each is opened once."""

import contextlib
import datetime as dt
from typing import Any

import pytest

from service.installation import Installation
from service.keys import signing
from service.keys.vault import Sealed, Vault
from service.kit.errors import Unavailable
from service.kit.settings import Settings
from service.likeness.registry import Consent
from tests.support.people import ANN, BOB, MODEL, enrolled, likeness


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subject of each box that is opened."""
    subjects: list[str] = []
    open_ = Vault.open

    def counted(vault: Vault, sealed: Sealed, subject: str) -> dict[str, str]:
        subjects.append(subject)
        return open_(vault, sealed, subject)

    monkeypatch.setattr(Vault, "open", counted)
    return subjects


def test_only_new_templates_are_opened(consent: Consent, opened: list[str]) -> None:
    ann = enrolled(consent).subject
    consent.faces.protected(MODEL)
    assert opened == [ann]
    consent.grants.give(ann, purpose="a poster", scopes=["portrait"], grantee="default", lasts=dt.timedelta(days=1))
    assert consent.faces.protected(MODEL).owners == (ann,)
    assert opened == [ann]  # a grant changes no template
    bob = enrolled(consent, BOB).subject
    assert consent.faces.protected(MODEL).owners == (ann, bob)
    assert opened == [ann, bob]


def test_an_erasure_elsewhere_opens_nothing_again(
    consent: Consent, installation: Installation, settings: Settings, opened: list[str]
) -> None:
    ann, bob = enrolled(consent).subject, enrolled(consent, BOB).subject
    before = consent.faces.protected(MODEL)
    other = Consent(installation.ledger, signing.vault(settings), consent.grants.signer)
    other.subjects.erase(ann)
    opened.clear()
    now = consent.faces.protected(MODEL)
    assert now.owners == (bob,)
    assert now.templates.within(likeness(ANN), 0.1) == []
    assert [now.owners[match.index] for match in now.templates.within(likeness(BOB), 0.1)] == [bob]
    assert opened == []
    assert before.owners == (ann, bob)  # a search that began before the erasure ends as it began


def test_the_models_have_an_index_each(consent: Consent) -> None:
    ann = enrolled(consent).subject
    bob = consent.subjects.enrol("Bob", [likeness(BOB)], "d" * 64).subject
    for _ in range(2):
        assert consent.faces.protected(MODEL).owners == (ann,)
        assert consent.faces.protected("d" * 64).owners == (bob,)
    consent.subjects.erase(bob)
    assert consent.faces.protected("d" * 64).owners == ()
    assert consent.faces.protected(MODEL).owners == (ann,)


def test_a_subject_is_found_by_what_was_enrolled(consent: Consent) -> None:
    ann, bob = enrolled(consent), enrolled(consent, BOB)
    known = consent.faces.protected(MODEL)
    assert known.owners == (ann.subject, bob.subject)
    (match,) = known.templates.within(likeness(BOB), 0.1)
    assert known.owners[match.index] == bob.subject
    assert consent.subjects.name(ann.subject) == "Ann Example"


def test_who_is_not_protected_is_not_searched(consent: Consent) -> None:
    enrolled(consent, protected=False)
    assert not consent.faces.anybody()
    assert len(consent.faces.protected(MODEL).templates) == 0


def test_who_has_templates_of_another_model_is_named_and_not_compared(consent: Consent) -> None:
    ann = enrolled(consent)
    enrolled(consent, BOB, protected=False)
    assert len(consent.faces.protected("d" * 64).templates) == 0
    assert consent.faces.without("d" * 64) == [ann.subject]
    assert consent.faces.without(MODEL) == []


def test_a_change_by_another_process_is_seen(consent: Consent, installation: Installation, settings: Settings) -> None:
    first = enrolled(consent)
    assert len(consent.faces.protected(MODEL).templates) == 1
    other = Consent(installation.ledger, signing.vault(settings), consent.grants.signer)
    second = enrolled(other, BOB)
    assert len(consent.faces.protected(MODEL).templates) == 2
    other.subjects.erase(first.subject)
    assert consent.faces.protected(MODEL).owners == (second.subject,)


def test_a_new_subject_in_an_old_ones_place_is_seen(consent: Consent) -> None:
    ann = enrolled(consent)
    assert consent.faces.protected(MODEL).owners == (ann.subject,)
    consent.subjects.erase(ann.subject)
    bob = enrolled(consent, BOB)  # as many templates as before
    known = consent.faces.protected(MODEL)
    assert known.owners == (bob.subject,)
    assert len(known.templates.within(likeness(BOB), 0.1)) == 1
    assert known.templates.within(likeness(ANN), 0.1) == []


def test_what_was_opened_of_an_erased_subject_is_forgotten_at_once(consent: Consent) -> None:
    ann, bob = enrolled(consent), enrolled(consent, BOB)
    before = consent.faces.protected(MODEL)
    assert consent.faces._known is not None
    assert consent.faces._known[1] is before
    consent.subjects.erase(ann.subject)
    assert consent.faces._known is None
    assert consent.faces.protected(MODEL).owners == (bob.subject,)


def test_what_was_read_before_an_erasure_is_not_kept_after_it(
    consent: Consent, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, opened = enrolled(consent), consent.faces._opened

    def slowly(rows: Any) -> Any:
        known = opened(rows)
        monkeypatch.undo()
        with contextlib.suppress(Unavailable):  # it is erased; the log of writes is not emptied while somebody reads
            consent.subjects.erase(ann.subject)
        return known

    monkeypatch.setattr(consent.faces, "_opened", slowly)
    consent.faces.protected(MODEL)
    assert consent.faces._known is None
    assert consent.faces.protected(MODEL).owners == ()


def test_the_templates_of_one_subject_are_its_own(consent: Consent) -> None:
    ann = enrolled(consent)
    enrolled(consent, BOB)
    own = consent.faces.templates_of(ann.subject, MODEL)
    assert len(own) == 1
    assert own.within(likeness(ANN), 0.1)
    assert own.within(likeness(BOB), 0.1) == []
    assert len(consent.faces.templates_of(ann.subject, "d" * 64)) == 0


def test_without_a_change_templates_are_not_decrypted_again(consent: Consent) -> None:
    enrolled(consent)
    assert consent.faces.protected(MODEL) is consent.faces.protected(MODEL)
