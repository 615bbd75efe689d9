import pytest

from service.kit.addresses import Networks, client_key, is_loopback, is_public, parse_address


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


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1", True),
        ("::ffff:93.184.216.34", True),
        ("127.0.0.1", False),
        ("10.0.0.7", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("::ffff:10.0.0.7", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("2002:7f00:1::", False),
        ("2001:0:53aa:64c::", False),
        ("64:ff9b::7f00:1", False),
        ("::127.0.0.1", False),
        ("example.com", False),
    ],
)
def test_what_is_a_public_address(host: str, expected: bool) -> None:
    assert is_public(host) is expected
