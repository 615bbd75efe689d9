"""Who may try a PIN: subjects and reporters have a number and a PIN, and others may know the number.

The right PIN always counts, whatever others do. Wrong ones are counted for each pair of address and number, in the
database, and make that pair wait: nobody else. A PIN of 60 bits needs no more than that. One of the first version has
eight digits: each address may try it only now and then, and after SHORT_PIN_GUESSES failures it only ends what is
allowed.
"""

import datetime as dt
import math
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from service.kit.case_numbers import is_short_pin
from service.kit.clock import utc_now
from service.kit.errors import NotFound, PinTooShort, TooManyPins
from service.ledger.ledger import Ledger
from service.storage import PinFailures, Repositories

T = TypeVar("T")
log = structlog.get_logger()

FREE = 5
"""Wrong PINs from one address about one number before it has to wait."""
LONGEST_WAIT = dt.timedelta(minutes=5)
REMEMBERED = dt.timedelta(days=1)
ATTACKED = 20
"""Wrong PINs of one number in a day from which the operator is told."""
SHORT_PIN_GUESSES = 1000
"""Wrong PINs of one number, ever, after which its eight digits open nothing: one in 100,000 of all there are."""

_AT_ONCE = 2  # slow hashes: each takes 16 MiB and a few hundredths of a second
_UNKNOWN = "-"  # counts for all numbers that do not exist, so that inventing some fills no table


class PinAttempts:
    """Counts wrong PINs. Safe to share between threads and processes."""

    def __init__(
        self, ledger: Ledger, digest: Callable[[str], str], clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        """`digest` is keyed: addresses are not stored."""
        self._ledger = ledger
        self._digest = digest
        self._clock = clock
        self._slow = threading.BoundedSemaphore(_AT_ONCE)

    def check(self, number: str, address: str, pin: str, verify: Callable[[], T], *, ends: bool = False) -> T:
        """What `verify` returns, which raises NotFound for a wrong PIN.

        Args:
            number: of the subject or case.
            address: of the caller.
            ends: the PIN is for ending what is allowed, not for reading.

        Raises:
            NotFound: the PIN is wrong, or there is no such number.
            TooManyPins: the PIN is wrong, or an old one, and this address has to wait.
            PinTooShort: an old PIN whose number was attacked; it can only end what is allowed.
        """
        short, pair = is_short_pin(pin), self._digest(address)
        with self._ledger.read() as stored:
            known = number if _exists(stored, number) else _UNKNOWN
            before = stored.pin_failures.of(known, pair)
            guessed = known != _UNKNOWN and stored.pin_failures.total(known) >= SHORT_PIN_GUESSES
        wait = self._wait(before)
        if short and wait:
            raise TooManyPins(wait)
        try:
            found = self._verified(verify, short)
        except NotFound:
            if wait:  # not counted: a flood writes nothing
                raise TooManyPins(wait) from None
            self._count(known, pair)
            raise
        if before:
            with self._ledger.write() as stored:
                stored.pin_failures.clear(known, pair)
        if short and guessed and not ends:
            raise PinTooShort("this PIN has eight digits, and somebody tries to guess it")
        return found

    def attacked(self, least: int = ATTACKED) -> list[PinFailures]:
        """The numbers whose PIN was wrong at least so often in the last day, most often first."""
        with self._ledger.read() as stored:
            recent = stored.pin_failures.recent(self._clock() - REMEMBERED)
        return [one for one in recent if one.failures >= least and one.number != _UNKNOWN]

    def warning(self) -> str | None:
        """What to tell the operator; None unless somebody guesses PINs. It names no number: anybody may read it."""
        count = len(self.attacked())
        if not count:
            return None
        numbers = f"{count} number was" if count == 1 else f"{count} numbers were"
        told = f"the PIN of {numbers} tried wrongly {ATTACKED} times or more in a day"
        return f"{told}: see `countermark consent pin-failures`"

    def _wait(self, before: PinFailures | None) -> int:
        """Seconds until this address may try this number again."""
        now = self._clock()
        if before is None or before.failures < FREE or before.last_at < now - REMEMBERED:
            return 0
        doubled = dt.timedelta(seconds=2 ** min(before.failures - FREE, 20))
        until = before.last_at + min(doubled, LONGEST_WAIT)
        return max(0, math.ceil((until - now).total_seconds()))

    def _verified(self, verify: Callable[[], T], short: bool) -> T:
        if not short:
            return verify()
        if not self._slow.acquire(timeout=5):
            raise TooManyPins(1)
        try:
            return verify()
        finally:
            self._slow.release()

    def _count(self, number: str, pair: str) -> None:
        now = self._clock()
        with self._ledger.write() as stored:
            stored.pin_failures.forget_addresses(now - REMEMBERED)
            stored.pin_failures.add(number, pair, now)
            (recent,) = stored.pin_failures.recent(now - REMEMBERED, number)
        if number != _UNKNOWN and recent.failures % ATTACKED == 0:
            log.warning("pin_attacked", number=number, failures=recent.failures)


def _exists(stored: Repositories, number: str) -> bool:
    return stored.subjects.exists(number) or stored.takedowns.get(number) is not None
