import base64
import json
from pathlib import Path

import pytest

from service.installation import Installation
from service.kit.errors import Misconfigured, NotFound
from service.kit.settings import Settings
from service.likeness.registry import Consent
from tests.support.database import engine_of
from tests.support.people import ANN, MODEL, enrolled, granted, likeness


def test_nothing_personal_lies_in_the_database_or_the_chain(
    consent: Consent, installation: Installation, settings: Settings
) -> None:
    ann = enrolled(consent)
    granted(consent, ann.subject)
    engine_of(installation.ledger).dispose()
    raw = b"".join(path.read_bytes() for path in Path(settings.home).glob("ledger.db*"))
    assert ann.subject.encode() in raw
    assert b"Ann Example" not in raw
    assert ann.pin.encode() not in raw
    assert likeness(ANN).tobytes()[:12] not in raw
    assert base64.b64encode(likeness(ANN).tobytes())[:16] not in raw


def test_an_erased_subject_is_gone_for_good(consent: Consent, installation: Installation) -> None:
    ann = enrolled(consent)
    grant = granted(consent, ann.subject)
    consent.subjects.erase(ann.subject)
    assert not consent.faces.anybody()
    assert consent.grants.of(grant).state == "revoked"
    assert consent.grants.grants_of(ann.subject)[0].receipt
    people, faces = consent.subjects, consent.faces
    for call in (people.name, people.erase, lambda s: faces.templates_of(s, MODEL), lambda s: granted(consent, s)):
        with pytest.raises(NotFound):
            call(ann.subject)
    assert [one.erased_at is not None for one in consent.subjects.everybody()] == [True]
    actions = [json.loads(decision.body)["action"] for decision in installation.ledger.decided(ann.subject)]
    assert actions == ["enrolled", "granted", "erased"]


def test_with_another_vault_key_nothing_opens(consent: Consent, installation: Installation) -> None:
    from service.keys.vault import Vault

    enrolled(consent)
    stranger = Consent(installation.ledger, Vault(bytes(32)), consent.grants.signer)
    with pytest.raises(Misconfigured):
        stranger.faces.protected(MODEL)
