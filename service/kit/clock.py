"""The time, and how it is written."""

import datetime as dt
from typing import Literal

Precision = Literal["seconds", "milliseconds"]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def stamp(moment: dt.datetime, precision: Precision = "seconds") -> str:
    """RFC 3339 in UTC. Of one precision, such texts sort as their moments do."""
    return moment.astimezone(dt.UTC).isoformat(timespec=precision)
