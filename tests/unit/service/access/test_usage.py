import threading
from collections.abc import Callable

import pytest

from service.access.api_keys import ApiKeys, KeyTerms
from service.access.client import Client
from service.access.tenants import Tenants, Terms
from service.access.usage import Allowance, KeyUsage
from service.installation import Installation
from service.kit.errors import QuotaExceeded, RateLimited
from tests.support.clock import Clock

Limited = Callable[..., Client]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def usage(installation: Installation, clock: Clock) -> KeyUsage:
    return KeyUsage(installation.ledger, clock)


@pytest.fixture
def limited(installation: Installation, clock: Clock) -> Limited:
    """Makes the holder of a key with these limits."""
    tenants, keys = Tenants(installation.ledger, "default", clock), ApiKeys(installation.ledger, clock)
    tenants.add(Terms(name="acme"))

    def client(**limits: int) -> Client:
        return tenants.client(keys.add("acme", KeyTerms.model_validate(limits)).key)

    return client


def test_a_rate_is_a_bucket_for_all_processes(
    usage: KeyUsage, limited: Limited, clock: Clock, installation: Installation
) -> None:
    client = limited(requests_per_minute=6)
    others = KeyUsage(installation.ledger, clock)
    assert [usage.admit(client)[0].remaining for _ in range(3)] == [5, 4, 3]
    assert [others.admit(client)[0].remaining for _ in range(3)] == [2, 1, 0]
    for each in (usage, others):
        with pytest.raises(RateLimited) as refused:
            each.admit(client)
        assert refused.value.retry_after == 10
    clock.wait(10 / 3600)
    assert usage.admit(client) == (Allowance("requests_per_minute", 6, 60, 0, 60),)
    assert usage.admit(limited(requests_per_minute=1))  # another key


def test_what_is_refused_writes_nothing(
    usage: KeyUsage, limited: Limited, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = limited(requests_per_minute=1)
    usage.admit(client)
    with monkeypatch.context() as patch:
        patch.setattr(installation.ledger, "write", None)
        with pytest.raises(RateLimited):
            usage.admit(client)


def test_a_key_without_limits_costs_nothing(
    usage: KeyUsage, limited: Limited, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = limited()
    with monkeypatch.context() as patch:
        for way in ("read", "write"):
            patch.setattr(installation.ledger, way, None)
        assert usage.admit(client) == usage.take(client, "images", 5) == ()
        usage.give_back(client, "images", 5)


def test_a_quota_is_whole_or_nothing_and_begins_anew(usage: KeyUsage, limited: Limited, clock: Clock) -> None:
    client = limited(images_per_day=5)
    assert usage.take(client, "images", 4) == (Allowance("images_per_day", 5, 86400, 1, 12 * 3600),)
    with pytest.raises(QuotaExceeded, match="1 are left, and 2 were asked for") as refused:
        usage.take(client, "images", 2)
    assert (refused.value.retry_after, refused.value.quota) == (12 * 3600, "images_per_day")
    assert usage.take(client, "images", 1)[0].remaining == 0
    assert usage.take(client, "examinations", 100)[0].remaining == 0  # another unit, without a quota
    clock.wait(12)
    assert usage.take(client, "images", 5)[0].remaining == 0


def test_the_longest_wait_is_told(usage: KeyUsage, limited: Limited, clock: Clock) -> None:
    client = limited(examinations_per_day=3, examinations_per_month=4)
    usage.take(client, "examinations", 3)
    clock.wait(24)
    day, month = usage.take(client, "examinations", 1)
    assert (day.remaining, month.remaining, month.window) == (2, 0, 31 * 86400)
    with pytest.raises(QuotaExceeded, match="a month") as refused:
        usage.take(client, "examinations", 3)
    assert refused.value.retry_after == int(29.5 * 86400)


def test_what_was_turned_away_is_given_back_in_its_window_alone(
    usage: KeyUsage, limited: Limited, clock: Clock
) -> None:
    client = limited(images_per_day=3, images_per_month=9)
    usage.take(client, "images", 3)
    usage.give_back(client, "images", 2)
    assert [each.remaining for each in usage.admit(client)] == [2, 8]
    clock.wait(24)
    usage.give_back(client, "images", 3)
    assert [each.remaining for each in usage.admit(client)] == [3, 9]


def test_a_key_that_replaces_another_has_no_new_quota(
    usage: KeyUsage, installation: Installation, clock: Clock
) -> None:
    tenants, keys = Tenants(installation.ledger, "default", clock), ApiKeys(installation.ledger, clock)
    tenants.add(Terms(name="acme"))
    old = keys.add("acme", KeyTerms(images_per_day=3))
    usage.take(tenants.client(old.key), "images", 2)
    new = tenants.client(keys.rotate(old.id, clock.now - clock.now).key)
    with pytest.raises(QuotaExceeded):
        usage.take(new, "images", 2)
    assert usage.take(new, "images", 1)


def test_of_many_at_once_no_more_are_let_through(usage: KeyUsage, limited: Limited) -> None:
    client, passed = limited(images_per_day=5, requests_per_minute=5), list[bool]()

    def ask() -> None:
        try:
            usage.admit(client)
            usage.take(client, "images", 1)
            passed.append(True)
        except (QuotaExceeded, RateLimited):
            passed.append(False)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [False] * 7 + [True] * 5
