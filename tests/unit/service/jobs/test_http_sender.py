"""Nothing is sent to an address that is not public, whatever it is called, and no redirect is followed."""

from collections.abc import Sequence

import httpx
import pytest

from service.jobs.deliveries import NotDelivered
from service.jobs.http_sender import LONGEST_URL, HttpSender
from service.kit.errors import BadRequest

URL = "https://hooks.example.com/countermark"
PUBLIC = "93.184.216.34"
PRIVATE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::")


def at(*addresses: str) -> object:
    def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def sender(
    answer: httpx.Response | Exception, *addresses: str, private: bool = False
) -> tuple[HttpSender, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = HttpSender(private=private, resolve=at(*addresses), transport=httpx.MockTransport(handle))  # type: ignore[arg-type]
    return made, asked


def test_it_goes_to_the_address_in_the_name_of_the_host() -> None:
    send, asked = sender(httpx.Response(204), PUBLIC)
    assert send(URL, b"{}", {"webhook-id": "msg_1"}) == 204
    (request,) = asked
    assert (request.method, request.url.host, request.headers["host"]) == ("POST", PUBLIC, "hooks.example.com")
    assert request.extensions["sni_hostname"] == "hooks.example.com"
    assert (request.headers["webhook-id"], request.content) == ("msg_1", b"{}")


def test_a_redirect_is_an_answer_like_any_other() -> None:
    send, asked = sender(httpx.Response(302, headers={"location": "http://127.0.0.1/"}), PUBLIC)
    assert send(URL, b"{}", {}) == 302
    assert len(asked) == 1


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_not_asked_unless_the_operator_allows_it(address: str) -> None:
    for addresses in ((address,), (PUBLIC, address)):
        send, asked = sender(httpx.Response(204), *addresses)
        with pytest.raises(NotDelivered, match="not public"):
            send(URL, b"{}", {})
        with pytest.raises(BadRequest):
            send.check(URL)
        assert asked == []
    send, asked = sender(httpx.Response(204), address, private=True)
    assert (send("http://hooks.internal/", b"{}", {}), send.check("http://hooks.internal/")) == (204, "hooks.internal")


@pytest.mark.parametrize("fault", [httpx.ConnectTimeout("to a secret place"), OSError("no such host")])
def test_what_fails_is_told_without_its_text(fault: Exception) -> None:
    send, _ = sender(fault, PUBLIC)
    with pytest.raises(NotDelivered) as caught:
        send(URL, b"{}", {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://user:pw@hooks.example.com/",
        "https:///x",
        "x",
        URL + "x" * LONGEST_URL,
    ],
)
def test_what_is_no_address_of_a_webhook(url: str) -> None:
    send, _ = sender(httpx.Response(204), PUBLIC)
    assert send.check(URL) == "hooks.example.com"
    with pytest.raises(BadRequest):
        send.check(url)
