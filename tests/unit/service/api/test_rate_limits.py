from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.api import rate_limits as module
from service.api.rate_limits import TokenBuckets, caller
from service.installation import Installation, open_installation
from service.kit.settings import Settings
from tests.support.disk import copy_home


class Watch:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def observer() -> Watch:
    return Watch()


def test_a_bucket_empties_and_fills_evenly(observer: Watch) -> None:
    buckets = TokenBuckets(6, observer)
    assert [buckets.take("a") for _ in range(6)] == [0] * 6
    assert buckets.take("a") == pytest.approx(10)
    assert buckets.take("b") == 0  # somebody else
    observer.now += 4
    assert buckets.take("a") == pytest.approx(6)  # asking costs nothing
    observer.now += 6
    assert buckets.take("a") == 0
    observer.now += 10_000
    assert [buckets.take("a") for _ in range(7)] == [0] * 6 + [pytest.approx(10)]


def test_the_longest_unused_are_forgotten(observer: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ADDRESSES", 3)
    buckets = TokenBuckets(1, observer)
    for key in "abcd":
        assert buckets.take(key) == 0
    assert len(buckets._kept) == 3
    assert buckets.take("d") > 0


@pytest.mark.parametrize(
    ("client", "key"),
    [
        (("192.0.2.7", 5), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::9", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("::ffff:192.0.2.7", 5), "192.0.2.7"),
        (("testclient", 5), "testclient"),
        (None, ""),
    ],
)
def test_whose_bucket_it_is(client: tuple[str, int] | None, key: str) -> None:
    assert caller({"type": "http", "client": client}) == key


@pytest.fixture
def strict(settings: Settings, home_template: Path) -> Iterator[Installation]:
    copy_home(home_template, settings)
    installation = open_installation(settings.model_copy(update={"requests_per_minute": 2}))
    yield installation
    installation.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/takedowns"),
        ("POST", "/v1/appeals"),
        ("POST", "/v1/feedback"),
        ("GET", "/v1/appeals/A-1"),
        ("POST", "/v1/consent/enrolments"),
        ("POST", "/v1/consent/enrolments/L-1"),
    ],
)
def test_who_asks_too_often_waits(strict: Installation, method: str, path: str) -> None:
    client = TestClient(create_app(strict), raise_server_exceptions=False)
    assert [client.request(method, path).status_code == 429 for _ in range(3)] == [False, False, True]
    refused = client.request(method, path)
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    assert refused.headers["x-request-id"] == refused.json()["instance"]
    assert client.get("/v1/consent/keys").status_code == 200  # what others ask about receipts is not limited
    assert client.get("/v1/takedownsx").status_code == 404
    assert client.get("/healthz").status_code == 200


def test_many_addresses_ask_no_more_about_one_number(strict: Installation) -> None:
    app = create_app(strict)
    asking = [TestClient(app, client=(f"192.0.2.{n}", 5), raise_server_exceptions=False) for n in range(4)]
    assert [client.get("/v1/appeals/A-1").status_code == 429 for client in asking] == [False, False, True, True]
    assert asking[3].get("/v1/appeals/A-2").status_code != 429
    assert asking[2].get("/v1/appeals").status_code != 429  # it names no number


@pytest.mark.parametrize("path", ["/v1/takedowns/T-1", "/v1/consent/subjects/S-1/images/x/withdraw"])
def test_where_a_pin_is_needed_nobody_uses_up_the_tries_of_others(strict: Installation, path: str) -> None:
    client = TestClient(create_app(strict), raise_server_exceptions=False)
    assert 429 not in {client.get(path).status_code for _ in range(5)}


def test_a_mounted_app_is_limited_too(strict: Installation) -> None:
    client = TestClient(create_app(strict), root_path="/images", raise_server_exceptions=False)
    codes = [client.get("/images/v1/appeals/A-1").status_code for _ in range(3)]
    assert codes[-1] == 429


def test_zero_is_no_limit(settings: Settings) -> None:
    installation = open_installation(settings.model_copy(update={"requests_per_minute": 0}))
    client = TestClient(create_app(installation), raise_server_exceptions=False)
    assert {client.post("/v1/appeals").status_code for _ in range(70)} == {400}
    installation.close()


@pytest.mark.parametrize("peer", ["127.0.0.1", "203.0.113.5"])
def test_rotated_forwarded_addresses_do_not_evade_it(strict: Installation, peer: str) -> None:
    client = TestClient(create_app(strict), client=(peer, 5), raise_server_exceptions=False)
    headers = [{"x-forwarded-for": f"192.0.2.{number}, 198.51.100.{number}"} for number in range(4)]
    assert [client.get("/v1/appeals/A-1", headers=each).status_code == 429 for each in headers] == [False] * 2 + [
        True
    ] * 2


def test_behind_a_trusted_proxy_only_what_it_adds_counts(strict: Installation) -> None:
    strict.settings.__dict__["trusted_proxies"] = ("10.0.0.0/8",)
    proxy = TestClient(create_app(strict), client=("10.0.0.1", 5), raise_server_exceptions=False)

    def limited(forwarded: str, number: int) -> bool:
        return proxy.get(f"/v1/appeals/A-{number}", headers={"x-forwarded-for": forwarded}).status_code == 429

    # The client invents addresses, the proxies append what they see: the rightmost that is no proxy's is the client's.
    seen = [limited(f"192.0.2.{n}, 203.0.113.5, 10.0.0.2", n) for n in range(4)]
    assert seen == [False, False, True, True]
    assert not limited("203.0.113.5, 203.0.113.6", 9)  # another client


def test_an_address_that_is_no_proxys_is_not_believed(strict: Installation) -> None:
    strict.settings.__dict__["trusted_proxies"] = ("10.0.0.0/8",)
    client = TestClient(create_app(strict), client=("203.0.113.5", 5), raise_server_exceptions=False)
    codes = [client.get("/v1/appeals/A-1", headers={"x-forwarded-for": f"192.0.2.{n}"}).status_code for n in range(3)]
    assert codes[-1] == 429
