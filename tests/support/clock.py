"""A clock that stands until it is moved."""

import datetime as dt

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


class Clock:
    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def wait(self, hours: float) -> None:
        self.now += dt.timedelta(hours=hours)
