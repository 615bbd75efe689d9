import datetime as dt

import pytest

from service.access.limits import Limits, window_of
from tests.support.clock import NOON


def test_quotas_are_those_that_are_set_the_shorter_first() -> None:
    limits = Limits(requests_per_minute=9, images_per_month=50, images_per_day=5)
    assert list(limits.quotas("images").items()) == [("images_per_day", 5), ("images_per_month", 50)]
    assert limits.quotas("examinations") == {}


@pytest.mark.parametrize(
    ("moment", "day_ends", "month_ends"),
    [
        (NOON, "2026-05-02", "2026-06-01"),
        (dt.datetime(2026, 12, 31, 23, 59, 59, 999, tzinfo=dt.UTC), "2027-01-01", "2027-01-01"),
        (dt.datetime(2028, 2, 29, tzinfo=dt.UTC), "2028-03-01", "2028-03-01"),
        (dt.datetime(2026, 6, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))), "2026-06-01", "2026-06-01"),
    ],
)
def test_windows_are_days_and_months_of_utc(moment: dt.datetime, day_ends: str, month_ends: str) -> None:
    for window, ends in (("day", day_ends), ("month", month_ends)):
        begin, until = window_of(window, moment)  # type: ignore[arg-type]
        assert begin <= moment < until
        assert until.isoformat() == f"{ends}T00:00:00+00:00"
