import pytest

from service.kit.addresses import Networks, client_key, is_loopback, parse_address


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_client_has_one_key(host: str, key: str) -> None:
    assert client_key(host) == key


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.2", False),
        ("localhost.example.com", False),
    ],
)
def test_loopback(host: str, is_one: bool) -> None:
    assert is_loopback(host) is is_one


def test_networks() -> None:
    networks = Networks(["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"])
    assert [host in networks for host in ("10.9.9.9", "192.0.2.1", "2001:db8::5", "::ffff:10.0.0.1")] == [True] * 4
    assert [host in networks for host in ("11.0.0.1", "192.0.2.2", "unix", "")] == [False] * 4
    assert "10.0.0.1" not in Networks()
    with pytest.raises(ValueError, match="host bits"):
        Networks(["10.0.0.1/8"])


def test_a_name_is_no_address() -> None:
    assert parse_address("localhost") is None
