"""A ledger with a few rows, without a gateway."""

import datetime as dt

from service.ledger.ledger import Issue, Ledger

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def issue(n: int) -> Issue:
    look = n.to_bytes(32, "big")
    return Issue(n, f"urn:uuid:{n}", DAY, "image/png", 8, 8, f"{n:064}", look, 90, b"m", "m@1", "d", 1, "p")


def fill(ledger: Ledger) -> None:
    """Three images and a refusal."""
    for n in (1, 2, 3):
        ledger.issue(issue(n), {"n": n})
    ledger.refuse("urn:uuid:4", {"code": "moderation_blocked"})
