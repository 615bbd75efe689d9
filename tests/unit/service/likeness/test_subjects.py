"""Subjects: enrolment, the PIN, retention and erasure."""

import datetime as dt

import numpy as np
import pytest

from service.installation import Installation
from service.kit.errors import BadRequest, NotFound
from service.likeness.registry import Consent
from tests.support.clock import Clock
from tests.support.people import BOB, MODEL, enrolled, likeness

DAY = dt.timedelta(days=1)


def test_what_is_no_template_is_refused(consent: Consent) -> None:
    for wrong in ([], [np.zeros(3, np.float32)], [np.zeros(128)]):
        with pytest.raises(BadRequest):
            consent.subjects.enrol("x", wrong, MODEL)  # type: ignore[arg-type]


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


def test_everybody_is_listed_without_a_name(consent: Consent, clock: Clock) -> None:
    first = enrolled(consent)
    clock.now += DAY
    second = consent.subjects.enrol("Bob", [likeness(BOB)], MODEL, protected=False, retain=DAY)
    ann, bob = consent.subjects.everybody()
    assert (ann.id, ann.protected, ann.retain_until, ann.erased_at) == (first.subject, True, None, None)
    assert (bob.id, bob.protected, bob.retain_until) == (second.subject, False, "2026-05-03T12:00:00+00:00")
    assert "Ann Example" not in repr(ann)


def test_an_erasure_is_announced_with_its_decision(consent: Consent, installation: Installation) -> None:
    forgotten: list[int] = []
    ann = enrolled(consent)
    consent.subjects.when_erased(forgotten.append)
    consent.subjects.erase(ann.subject)
    assert forgotten == [installation.ledger.decided(ann.subject)[-1].seq]


def test_what_is_prepared_is_not_stored(consent: Consent) -> None:
    prepared = consent.subjects.prepare("Ann", [likeness(BOB)] * 2, MODEL, protected=True, until=None)
    assert prepared.enrolled.templates == len(prepared.templates) == 2
    assert consent.subjects.everybody() == []
    assert b"Ann" not in (prepared.row.sealed or b"")


def test_replaced_templates_are_no_longer_found(consent: Consent, installation: Installation) -> None:
    ann = enrolled(consent).subject
    assert len(consent.faces.protected(MODEL).templates) == 1
    assert consent.subjects.re_enrol(ann, [likeness(BOB)], MODEL) == 1
    known = consent.faces.protected(MODEL)
    assert len(known.templates.within(likeness(BOB), 0.1)) == len(known.templates) == 1
    last = installation.ledger.decided(ann)[-1]
    assert dict(last.content) == {"action": "re-enrolled", "templates": 1}


def test_without_templates_the_old_ones_stay(consent: Consent) -> None:
    ann = enrolled(consent).subject
    for wrong in ([], [np.zeros(3, np.float32)]):
        with pytest.raises(BadRequest):
            consent.subjects.re_enrol(ann, wrong, MODEL)
    assert len(consent.faces.protected(MODEL).templates) == 1
    with pytest.raises(NotFound):
        consent.subjects.re_enrol("S-NONE", [likeness(BOB)], MODEL)
