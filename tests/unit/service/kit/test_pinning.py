import httpx
import pytest

from service.kit.pinning import NotReachable, pin, resolved


def test_a_request_goes_to_the_address_that_was_checked_in_the_names_name() -> None:
    pinned = pin(httpx.URL("https://example.com:8443/a?b#c"), lambda host, port: ["93.184.216.34"])
    assert str(pinned.url) == "https://93.184.216.34:8443/a?b"
    assert (pinned.headers["Host"], pinned.extensions["sni_hostname"]) == ("example.com:8443", "example.com")


@pytest.mark.parametrize("url", ["https://example.com/", "ftp://example.com/", "https://a:b@example.com/", "https:///"])
def test_what_may_not_be_asked(url: str) -> None:
    for found in (["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], []):

        def resolve(host: str, port: int, found: list[str] = found) -> list[str]:
            return found

        with pytest.raises(NotReachable):
            pin(httpx.URL(url), resolve)
    assert pin(httpx.URL("http://example.com/"), lambda host, port: ["10.0.0.1"], private=True)


def test_names_are_resolved() -> None:
    assert "127.0.0.1" in resolved("127.0.0.1", 80)
