"""What was used of the limits of keys, counted in the database: for all processes together, and across restarts.

A key that replaced another shares its counts. Keys without limits are not counted, and cost nothing here.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from service.access.buckets import Bucket
from service.access.client import Client
from service.access.limits import QUOTAS, Quota, Unit, window_of
from service.kit.clock import utc_now
from service.kit.errors import QuotaExceeded, RateLimited
from service.ledger.ledger import Ledger
from service.storage import Repositories, UsageRow

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of one limit. `window`: its length in seconds; `reset`: seconds until all of it is there again."""

    name: str
    most: int
    window: int
    remaining: int
    reset: int


class KeyUsage:
    """Counts what keys are used for. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def admit(self, client: Client) -> tuple[Allowance, ...]:
        """Count a request, and tell what is left of every limit of the key; empty if it has none.

        Raises:
            RateLimited: the key has sent too many requests in the last minute.
            Unavailable: the database does not answer.
        """
        per_minute, now = client.limits.requests_per_minute, self._clock()
        if per_minute is None:
            return self._quotas_left(client, now)
        with self._ledger.read() as stored:  # a flood that is refused writes nothing
            _, wait = _bucket(stored, client, per_minute, now).take(1, per_minute / _MINUTE)
        if wait:
            raise RateLimited(math.ceil(wait), per_minute)
        with self._ledger.write() as stored:
            bucket, wait = _bucket(stored, client, per_minute, now).take(1, per_minute / _MINUTE)
            if wait:
                raise RateLimited(math.ceil(wait), per_minute)
            stored.key_usage.put_bucket(client.lineage, bucket.tokens, now)
            quotas = tuple(_left(client, stored.key_usage.of(client.lineage), now))
        full = math.ceil((per_minute - bucket.tokens) * _MINUTE / per_minute)
        return (Allowance("requests_per_minute", per_minute, _MINUTE, int(bucket.tokens), full), *quotas)

    def take(self, client: Client, unit: Unit, amount: int) -> tuple[Allowance, ...]:
        """Count so many images or examinations, and tell what is left of the quotas of the key.

        Raises:
            QuotaExceeded: one of them has less left; nothing is counted.
            Unavailable: the database does not answer, or cannot be written.
        """
        now, quotas = self._clock(), client.limits.quotas(unit)
        if not quotas or amount == 0:
            return self._quotas_left(client, now)
        with self._ledger.write() as stored:
            current = {name: _current(client, stored.key_usage.of(client.lineage), name, now) for name in quotas}
            _check(quotas, current, amount, now)
            for row in current.values():
                stored.key_usage.put(replace(row, used=row.used + amount))
            return tuple(_left(client, stored.key_usage.of(client.lineage), now))

    def give_back(self, client: Client, unit: Unit, amount: int) -> None:
        """Count so many less again, as far as they were counted in the present window. Raises Unavailable."""
        now, quotas = self._clock(), client.limits.quotas(unit)
        if not quotas or amount == 0:
            return
        with self._ledger.write() as stored:
            for name in quotas:
                row = _current(client, stored.key_usage.of(client.lineage), name, now)
                stored.key_usage.put(replace(row, used=max(0, row.used - amount)))

    def _quotas_left(self, client: Client, now: dt.datetime) -> tuple[Allowance, ...]:
        if not any(client.limits.quotas(unit) for unit, _ in QUOTAS.values()):
            return ()
        with self._ledger.read() as stored:
            return tuple(_left(client, stored.key_usage.of(client.lineage), now))


def _bucket(stored: Repositories, client: Client, per_minute: int, now: dt.datetime) -> Bucket:
    found = stored.key_usage.bucket(client.lineage)
    if found is None:
        return Bucket(per_minute, now.timestamp())
    return Bucket(found[0], found[1].timestamp()).at(now.timestamp(), per_minute / _MINUTE, per_minute)


def _check(quotas: Mapping[Quota, int], current: Mapping[Quota, UsageRow], amount: int, now: dt.datetime) -> None:
    """Raises QuotaExceeded, for the longest wait if several are."""
    short = [name for name, most in quotas.items() if current[name].used + amount > most]
    if not short:
        return
    name = max(short, key=lambda each: current[each].until)
    row, most = current[name], quotas[name]
    raise QuotaExceeded(_seconds(row.until - now), quota=name, most=most, left=max(0, most - row.used), asked=amount)


def _current(client: Client, rows: Mapping[str, UsageRow], name: Quota, now: dt.datetime) -> UsageRow:
    """The use in the present window: none if the row is of another."""
    _, until = window_of(QUOTAS[name][1], now)
    row = rows.get(name)
    return row if row is not None and row.until == until else UsageRow(client.lineage, name, 0, until)


def _left(client: Client, rows: Mapping[str, UsageRow], now: dt.datetime) -> Iterator[Allowance]:
    for name, (unit, window) in QUOTAS.items():
        most = client.limits.quotas(unit).get(name)
        if most is not None:
            begin, until = window_of(window, now)
            left = max(0, most - _current(client, rows, name, now).used)
            yield Allowance(name, most, _seconds(until - begin), left, _seconds(until - now))


def _seconds(span: dt.timedelta) -> int:
    return max(1, math.ceil(span.total_seconds()))
