import datetime as dt

from service.kit.clock import stamp, utc_now


def test_now_knows_its_zone() -> None:
    assert utc_now().utcoffset() == dt.timedelta(0)


def test_stamps_are_utc_and_sort_as_their_moments_do() -> None:
    noon = dt.datetime(2026, 5, 1, 12, 0, 0, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert stamp(noon) == "2026-05-01T10:00:00+00:00"
    moments = [noon + dt.timedelta(seconds=s) for s in (0, 1, 60, 3600, 86400 * 40)]
    assert sorted(map(stamp, moments)) == list(map(stamp, moments))
