"""The current time, and the one timestamp format."""

import datetime as dt
from typing import Literal

Precision = Literal["seconds", "milliseconds"]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def stamp(moment: dt.datetime, precision: Precision = "seconds") -> str:
    """Format `moment` as RFC 3339 in UTC. Timestamps of one precision sort as text."""
    return moment.astimezone(dt.UTC).isoformat(timespec=precision)
