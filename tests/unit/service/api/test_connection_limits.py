import pytest

from service.api import connection_limits as module
from service.api.connection_limits import Admission, Allowance, ConnectionLimits
from service.kit.addresses import Networks
from tests.support.waiting import Ticks

TIME = Allowance(10, 10)


def admission(connections: int = 5, per_address: int = 2, trusted: tuple[str, ...] = ()) -> Admission:
    return Admission(ConnectionLimits(connections, per_address, TIME, TIME, TIME, 10, Networks(trusted)))


@pytest.mark.parametrize(
    ("arrived", "seconds"),
    [(0, 20), (1000, 21), (50_000, 70), (10**9, 120)],
)
def test_bytes_give_time_but_not_beyond_the_longest(arrived: int, seconds: float) -> None:
    assert Allowance(20, 120, 1000).seconds(arrived) == seconds


def test_without_a_rate_there_is_one_time() -> None:
    assert Allowance(20, 120).seconds(0) == Allowance(20, 120).seconds(10**9) == 120


def test_an_address_has_its_own_limit_and_its_places_come_back() -> None:
    counted = admission()
    assert counted.enter("192.0.2.1") is None
    assert counted.enter("192.0.2.1") is None
    refusal = counted.enter("192.0.2.1")
    assert refusal is not None
    assert "from this address" in refusal.message
    assert counted.enter("192.0.2.2") is None
    counted.leave("192.0.2.1")
    assert counted.enter("192.0.2.1") is None


def test_an_ipv6_network_is_one_address() -> None:
    counted = admission(per_address=1)
    assert counted.enter("2001:db8::1") is None
    assert counted.enter("2001:db8::2") is not None
    assert counted.enter("2001:db8:0:1::2") is None


def test_all_together_have_a_limit() -> None:
    counted = admission(connections=2, per_address=0)
    assert [counted.enter(f"192.0.2.{number}") is None for number in range(3)] == [True, True, False]


def test_a_proxy_is_limited_only_with_all_others() -> None:
    counted = admission(connections=3, per_address=1, trusted=("10.0.0.0/8",))
    assert [counted.enter("10.1.2.3") is None for _ in range(4)] == [True, True, True, False]


def test_a_flood_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ticks = Ticks()
    monkeypatch.setattr(module, "time", ticks)
    lines: list[int] = []
    monkeypatch.setattr(module.log, "warning", lambda event, connections, **_: lines.append(connections))
    counted = admission(connections=1)
    counted.enter("192.0.2.1")
    for _ in range(50):
        counted.enter("192.0.2.2")
    ticks.now += 11
    counted.enter("192.0.2.2")
    assert lines == [1, 50]


def test_only_so_many_refused_ones_linger() -> None:
    counted = admission()
    assert all(counted.linger(1) for _ in range(100))
    assert not counted.linger(1)
    counted.linger(-1)
    counted.linger(-1)
    assert counted.linger(1)
