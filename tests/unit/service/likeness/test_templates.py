"""Templates are opened once, whatever is decided about consent in between."""

import datetime as dt

import pytest

from service.installation import Installation
from service.keys import signing
from service.keys.vault import Sealed, Vault
from service.kit.settings import Settings
from service.likeness.receipts import Signer
from service.likeness.registry import Consent
from tests.support.people import ANN, BOB, MODEL, enrolled, likeness


@pytest.fixture
def consent(installation: Installation, settings: Settings) -> Consent:
    signer = Signer(signing.receipt_key(settings), settings.provider)
    return Consent(installation.ledger, signing.vault(settings), signer)


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
