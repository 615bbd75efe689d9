"""Whoever has the right PIN gets through, whatever others try; who guesses waits."""

import datetime as dt
from functools import partial

import pytest
from structlog.testing import CapturingLogger

from service.access import pin_attempts as module
from service.access.pin_attempts import ATTACKED, FREE, REMEMBERED, SHORT_PIN_GUESSES, PinAttempts
from service.installation import Installation
from service.kit.case_numbers import hash_pin
from service.kit.errors import NotFound, PinTooShort, TooManyPins
from service.likeness.schemas import Enrolled
from tests.support.clock import Clock
from tests.support.people import enrolled

WRONG, OLD, WRONG_OLD = "0000-0000-0000", "12345678", "87654321"


@pytest.fixture
def clock() -> Clock:
    return Clock(dt.datetime(2026, 5, 19, 12, tzinfo=dt.UTC))


@pytest.fixture
def pins(installation: Installation, clock: Clock) -> PinAttempts:
    return PinAttempts(installation.ledger, lambda text: f"digest of {text}", clock)


@pytest.fixture
def ann(installation: Installation) -> Enrolled:
    return enrolled(installation.consent)


@pytest.fixture
def old(installation: Installation, ann: Enrolled) -> Enrolled:
    """Somebody who was enrolled by the first version."""
    with installation.ledger.write() as stored:
        stored.subjects.set_pin(ann.subject, *hash_pin(OLD))
    return ann.model_copy(update={"pin": OLD})


class Tries:
    """Tries PINs of one subject and says what comes of it."""

    def __init__(self, pins: PinAttempts, installation: Installation, subject: str) -> None:
        self._pins, self._people, self._subject = pins, installation.consent.subjects, subject

    def __call__(self, pin: str, address: str = "192.0.2.1", *, ends: bool = False) -> str:
        verify = partial(self._people.check_pin, self._subject, pin)
        try:
            self._pins.check(self._subject, address, pin, verify, ends=ends)
        except (NotFound, TooManyPins, PinTooShort) as refused:
            return refused.code
        return "right"


@pytest.fixture
def tries(pins: PinAttempts, installation: Installation, ann: Enrolled) -> Tries:
    return Tries(pins, installation, ann.subject)


def test_the_right_pin_passes_while_others_fail_from_elsewhere(tries: Tries, ann: Enrolled, clock: Clock) -> None:
    for second in range(12):
        for _ in range(3):
            assert tries(WRONG, "198.51.100.9") in ("not_found", "too_many_pins")
        assert tries(ann.pin) == "right", second
        clock.wait(1 / 3600)


def test_the_right_pin_passes_even_from_the_address_that_failed(tries: Tries, ann: Enrolled) -> None:
    assert [tries(WRONG) for _ in range(FREE + 2)] == ["not_found"] * FREE + ["too_many_pins"] * 2
    assert tries(ann.pin) == "right"
    assert tries(WRONG) == "not_found"  # the right PIN clears what came before it


def test_who_fails_waits_twice_as_long_each_time(tries: Tries, clock: Clock) -> None:
    for _ in range(FREE):
        tries(WRONG)
    for seconds in (1, 2, 4, 8):
        assert tries(WRONG) == "too_many_pins"
        clock.wait((seconds - 0.5) / 3600)
        assert tries(WRONG) == "too_many_pins"
        clock.wait(0.5 / 3600)
        assert tries(WRONG) == "not_found"
    clock.wait(REMEMBERED.total_seconds() / 3600 + 1)
    assert [tries(WRONG) for _ in range(FREE)] == ["not_found"] * FREE


def test_an_old_pin_works_and_waits_only_where_it_failed(tries: Tries, old: Enrolled) -> None:
    for _ in range(FREE):
        assert tries(WRONG_OLD, "198.51.100.9") == "not_found"
    assert tries(WRONG_OLD, "198.51.100.9") == "too_many_pins"
    assert tries(OLD) == "right"
    assert tries(OLD, "198.51.100.9") == "too_many_pins"  # else eight digits could be guessed from one address


def test_an_old_pin_that_was_attacked_only_ends_what_is_allowed(
    tries: Tries, old: Enrolled, installation: Installation, clock: Clock
) -> None:
    with installation.ledger.write() as stored:
        for _ in range(SHORT_PIN_GUESSES):
            stored.pin_failures.add(old.subject, "digest of elsewhere", clock())
    assert tries(OLD) == "pin_too_short"
    assert tries(OLD, ends=True) == "right"
    renewed = installation.consent.subjects.renew_pin(old.subject)
    assert tries(OLD) == "not_found"
    assert tries(renewed.pin) == "right"


def test_a_restart_and_a_second_process_forget_nothing(
    tries: Tries, installation: Installation, ann: Enrolled, clock: Clock
) -> None:
    for _ in range(FREE):
        tries(WRONG)
    second = Tries(PinAttempts(installation.ledger, lambda text: f"digest of {text}", clock), installation, ann.subject)
    assert second(WRONG) == "too_many_pins"


def test_numbers_that_do_not_exist_fill_no_table(
    pins: PinAttempts, installation: Installation, ann: Enrolled, clock: Clock
) -> None:
    codes = [Tries(pins, installation, f"S-{number}")(WRONG) for number in range(FREE + 3)]
    assert codes == ["not_found"] * FREE + ["too_many_pins"] * 3
    with installation.ledger.read() as stored:
        assert len(stored.pin_failures.recent(clock() - REMEMBERED)) == 1
    assert pins.attacked(1) == []
    assert Tries(pins, installation, ann.subject)(WRONG) == "not_found"


def test_the_operator_is_told_of_an_attack(
    tries: Tries, pins: PinAttempts, ann: Enrolled, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(module, "log", log)
    for number in range(ATTACKED):
        tries(WRONG, f"198.51.100.{number}")
    (told,) = log.calls
    assert (told.method_name, told.args) == ("warning", ("pin_attacked",))
    assert told.kwargs == {"number": ann.subject, "failures": ATTACKED}
    (attacked,) = pins.attacked()
    assert (attacked.number, attacked.failures, attacked.last_at) == (ann.subject, ATTACKED, clock())
    clock.wait(REMEMBERED.total_seconds() / 3600 + 1)
    assert pins.attacked(1) == []
