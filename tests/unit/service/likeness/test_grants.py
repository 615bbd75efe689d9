"""Grants: what they permit and until when, and the images that were generated under them."""

import dataclasses
import datetime as dt

import pytest

from service.installation import Installation
from service.kit.errors import BadRequest, LikenessRefused, NotFound
from service.likeness.receipts import digest
from service.likeness.registry import Consent
from service.moderation.blocklist import WITHDRAWN
from tests.support.clock import Clock
from tests.support.issued import fill, issue
from tests.support.people import enrolled, granted

DAY = dt.timedelta(days=1)


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
    assert (claims["jti"], claims["sub"], claims["scope"]) == (
        grant.id,
        consent.grants.signer.alias(grant.subject, grant.grantee),
        "portrait edit",
    )
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


def test_a_grantee_has_a_list_of_its_own(consent: Consent, clock: Clock) -> None:
    ann = enrolled(consent)
    first = granted(consent, ann.subject)
    clock.now += DAY
    second = granted(consent, ann.subject)
    granted(consent, ann.subject, grantee="acme")
    assert [grant.id for grant in consent.grants.made_out_to("default")] == [first, second]
    assert consent.grants.made_out_to("nobody") == []


def test_a_use_needs_a_live_grant_in_the_transaction_that_issues(consent: Consent, installation: Installation) -> None:
    ann = enrolled(consent)
    number = granted(consent, ann.subject)
    fill(installation.ledger)
    with installation.ledger.write() as stored:
        consent.grants.record_uses(stored, [number], "urn:uuid:1")
    (use,) = consent.grants.uses_of(ann.subject)
    assert (use.grant, use.content_id, use.withdrawn_at) == (number, "urn:uuid:1", None)
    consent.grants.revoke(number)
    with pytest.raises(LikenessRefused, match="ended while") as refused, installation.ledger.write() as stored:
        consent.grants.record_uses(stored, [number], "urn:uuid:2")
    assert refused.value.stage == "issue"
    assert len(consent.grants.uses_of(ann.subject)) == 1


@pytest.mark.parametrize(("quality", "blocked"), [(90, {"sha256", "pdq"}), (0, {"sha256"})])
def test_a_withdrawn_image_is_blocked_and_so_are_its_look_alikes(
    consent: Consent, installation: Installation, quality: int, blocked: set[str]
) -> None:
    """An image with few features looks like many others: only its own file is blocked."""
    ann = enrolled(consent)
    number = granted(consent, ann.subject)
    image = dataclasses.replace(issue(1), fingerprint_quality=quality)
    installation.ledger.issue(image, {})
    with installation.ledger.write() as stored:
        consent.grants.record_uses(stored, [number], image.content_id)
    consent.grants.withdraw(ann.subject, image.content_id)
    (use,) = consent.grants.uses_of(ann.subject)
    assert use.withdrawn_at
    assert {entry.kind for entry in installation.blocklist.entries(WITHDRAWN)} == blocked


def test_only_an_image_made_under_its_grants_can_be_withdrawn(consent: Consent) -> None:
    ann = enrolled(consent)
    with pytest.raises(NotFound, match="no such image"):
        consent.grants.withdraw(ann.subject, "urn:uuid:1")


def test_a_grant_that_does_not_exist_is_not_found(consent: Consent) -> None:
    for call in (consent.grants.of, consent.grants.revoke):
        with pytest.raises(NotFound, match="no such grant"):
            call("G-0000-0000-0000-0000")
    with pytest.raises(NotFound, match="no such subject"):
        granted(consent, "S-0000-0000-0000-0000")
