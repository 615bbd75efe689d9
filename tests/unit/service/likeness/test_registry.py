import base64
import contextlib
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.installation import Installation
from service.keys import signing
from service.kit.errors import BadRequest, LikenessRefused, Misconfigured, NotFound, Unavailable
from service.kit.settings import Settings
from service.likeness.receipts import Signer, digest
from service.likeness.registry import Consent
from tests.support.clock import Clock
from tests.support.database import engine_of
from tests.support.people import ANN, BOB, MODEL, enrolled, likeness

DAY = dt.timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def consent(installation: Installation, settings: Settings, clock: Clock) -> Consent:
    signer = Signer(signing.receipt_key(settings), settings.provider)
    return Consent(installation.ledger, signing.vault(settings), signer, clock)


def granted(consent: Consent, subject: str, **changes: object) -> str:
    values = {"purpose": "a poster", "scopes": ["portrait"], "grantee": "default", "lasts": 30 * DAY, **changes}
    return consent.grants.give(subject, **values).id  # type: ignore[arg-type]


def test_a_subject_is_found_by_what_was_enrolled(consent: Consent) -> None:
    ann, bob = enrolled(consent), enrolled(consent, BOB)
    known = consent.faces.protected(MODEL)
    assert known.owners == (ann.subject, bob.subject)
    (match,) = known.templates.within(likeness(BOB), 0.1)
    assert known.owners[match.index] == bob.subject
    assert consent.subjects.name(ann.subject) == "Ann Example"


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


def test_who_is_not_protected_is_not_searched(consent: Consent) -> None:
    enrolled(consent, protected=False)
    assert not consent.faces.anybody()
    assert len(consent.faces.protected(MODEL).templates) == 0


def test_templates_of_another_model_are_counted_and_not_compared(consent: Consent) -> None:
    enrolled(consent)
    assert len(consent.faces.protected("d" * 64).templates) == 0
    assert consent.faces.other_models("d" * 64) == 1
    assert consent.faces.other_models(MODEL) == 0


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


def test_a_subject_erased_meanwhile_gets_no_grant(consent: Consent, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = enrolled(consent)
    sign = consent.grants.signer.sign

    def slow(*args: object) -> str:
        consent.subjects.erase(ann.subject)
        return sign(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(consent.grants.signer, "sign", slow)
    with pytest.raises(NotFound):
        granted(consent, ann.subject)
    assert consent.grants.grants_of(ann.subject) == []


def test_a_grant_ends_once(consent: Consent, installation: Installation) -> None:
    ann = enrolled(consent)
    number = granted(consent, ann.subject)
    first = consent.grants.revoke(number)
    assert consent.grants.revoke(number) == first
    assert len(installation.ledger.decided(ann.subject)) == 3


def test_what_is_no_template_is_refused(consent: Consent) -> None:
    for wrong in ([], [np.zeros(3, np.float32)], [np.zeros(128)]):
        with pytest.raises(BadRequest):
            consent.subjects.enrol("x", wrong, MODEL)  # type: ignore[arg-type]


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


def test_retention_ends(consent: Consent, clock: Clock) -> None:
    kept = enrolled(consent)
    short = consent.subjects.enrol("Bob", [likeness(BOB)], MODEL, retain=DAY)
    assert consent.subjects.purge() == []
    clock.now += DAY
    assert consent.subjects.purge() == [short.subject]
    assert consent.subjects.purge() == []
    assert consent.faces.protected(MODEL).owners == (kept.subject,)


def test_the_pin_opens_only_its_own_subject(consent: Consent) -> None:
    ann, bob = enrolled(consent), enrolled(consent, BOB)
    consent.subjects.check_pin(ann.subject, ann.pin)
    for subject, pin in ((ann.subject, bob.pin), (ann.subject, ""), ("S-NONE", ann.pin)):
        with pytest.raises(NotFound, match="this id and PIN"):
            consent.subjects.check_pin(subject, pin)


def test_a_grant_holds_until_it_ends(consent: Consent, clock: Clock) -> None:
    number = granted(consent, enrolled(consent).subject)
    assert consent.grants.of(number).state == "live"
    clock.now += 30 * DAY
    assert consent.grants.of(number).state == "expired"
    assert consent.grants.revoke(number).state == "revoked"


def test_a_grant_yields_a_receipt(consent: Consent) -> None:
    grant = consent.grants.of(granted(consent, enrolled(consent).subject, scopes=["edit", "portrait"]))
    claims = consent.grants.signer.verify(grant.receipt)
    assert claims is not None
    assert (claims["jti"], claims["sub"], claims["scope"]) == (grant.id, grant.subject, "portrait edit")
    assert grant.receipt_digest == digest(grant.receipt)


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"lasts": dt.timedelta(0)},
        {"lasts": 365 * 6 * DAY},
        {"purpose": ""},
        {"grantee": "x" * 101},
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(consent: Consent, changes: dict[str, object]) -> None:
    subject = enrolled(consent).subject
    with pytest.raises(BadRequest):
        granted(consent, subject, **changes)
    assert consent.grants.grants_of(subject) == []


def test_only_what_was_allowed_is_permitted(consent: Consent, clock: Clock) -> None:
    number = granted(consent, enrolled(consent).subject)
    assert [grant.id for grant in consent.grants.permitted([number], "portrait", "default")] == [number]
    for wanted, scope, grantee, why in (
        ([number], "commercial", "default", "commercial"),
        ([number], "portrait", "another", "somebody else"),
        ([number, "G-NONE"], "portrait", "default", "no such grant"),
    ):
        with pytest.raises(LikenessRefused, match=why):
            consent.grants.permitted(wanted, scope, grantee)  # type: ignore[arg-type]
    clock.now += 31 * DAY
    with pytest.raises(LikenessRefused, match="expired"):
        consent.grants.permitted([number], "portrait", "default")


def test_a_registry_moves_house(consent: Consent, tmp_path: Path) -> None:
    from service.installation import open_installation

    ann = enrolled(consent)
    consent.subjects.erase(enrolled(consent, BOB).subject)
    short = consent.subjects.enrol("Cy", [likeness(BOB)], MODEL, retain=DAY)
    text = consent.transfer.export()
    other = open_installation(Settings(home=tmp_path / "other"))
    told = {other.consent.subjects.name(one.subject): one.subject for one in other.consent.transfer.import_(text)}
    until = {one.id: one.retain_until for one in (*consent.subjects.everybody(), *other.consent.subjects.everybody())}
    assert until[told["Cy"]] == until[short.subject] is not None
    assert told["Ann Example"] != ann.subject
    (match,) = other.consent.faces.protected(MODEL).templates.within(likeness(ANN), 1e-6)
    assert match.distance == 0
    other.close()


@pytest.mark.parametrize("until", ["soon", "2026-05-01", {}])
def test_a_retention_that_is_no_moment_is_refused(consent: Consent, until: object) -> None:
    enrolled(consent)
    whole = json.loads(consent.transfer.export())
    whole["subjects"][0]["retain_until"] = until
    with pytest.raises(BadRequest, match="not an export"):
        consent.transfer.import_(json.dumps(whole))
    assert len(consent.subjects.everybody()) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"subjects":[{"name":"x"}]}', '{"subjects":3}'])
def test_what_is_no_export_is_refused(consent: Consent, text: str) -> None:
    with pytest.raises(BadRequest, match="not an export"):
        consent.transfer.import_(text)
    assert consent.subjects.everybody() == []


def test_with_another_vault_key_nothing_opens(consent: Consent, installation: Installation) -> None:
    from service.keys.vault import Vault

    enrolled(consent)
    stranger = Consent(installation.ledger, Vault(bytes(32)), consent.grants.signer)
    with pytest.raises(Misconfigured):
        stranger.faces.protected(MODEL)
