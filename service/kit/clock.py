"""The time, and how it is written."""

import datetime as dt


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def stamp(moment: dt.datetime) -> str:
    """RFC 3339, UTC, whole seconds: such texts sort as their moments do."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
