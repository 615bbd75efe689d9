from collections.abc import Callable, Sequence

import httpx
import pytest

from service.cli import web_files
from service.cli.web_files import fetch
from service.kit.errors import FileUnreadable

PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.7"
HOSTS = {"example.com": [PUBLIC], "inside.example": [PRIVATE], "both.example": [PUBLIC, PRIVATE], "none.example": []}
URL = "https://example.com/a.png?x=1"


def resolve(host: str, port: int) -> Sequence[str]:
    if host in HOSTS:
        return HOSTS[host]
    raise OSError("no such host")


class Web:
    """Answers by path, and remembers the requests."""

    def __init__(self, **answers: httpx.Response | Callable[[], httpx.Response]) -> None:
        self._answers = answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers[request.url.path[1:].partition(".")[0]]
        return answer() if callable(answer) else answer


def get(web: Web, url: str = URL, max_bytes: int = 100) -> bytes:
    return fetch(url, max_bytes, resolve=resolve, transport=httpx.MockTransport(web))


def redirect(target: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(302, headers={"location": target})


def test_the_connection_goes_to_the_address_that_was_checked_in_the_hosts_name() -> None:
    web = Web(a=httpx.Response(200, content=b"image"))
    assert get(web) == b"image"
    (request,) = web.asked
    assert (str(request.url), request.headers["host"]) == (f"https://{PUBLIC}/a.png?x=1", "example.com")
    assert request.extensions["sni_hostname"] == "example.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://inside.example/a.png",
        "http://both.example/a.png",
        "http://none.example/a.png",
        "http://unknown.example/a.png",
        "https://user:pw@example.com/a.png",
        "http://[::1/a.png",
        "https:///a.png",
    ],
)
def test_what_is_not_fetched(url: str) -> None:
    web = Web()
    with pytest.raises(FileUnreadable):
        get(web, url)
    assert web.asked == []


@pytest.mark.parametrize("target", ["http://inside.example/b", "//both.example/b", "ftp://example.com/b", "file:///b"])
def test_each_redirect_is_checked_again(target: str) -> None:
    web = Web(a=redirect(target), b=httpx.Response(200))
    with pytest.raises(FileUnreadable):
        get(web)
    assert len(web.asked) == 1


def test_redirects_are_followed_and_have_an_end() -> None:
    assert get(Web(a=redirect("/b.png"), b=httpx.Response(200, content=b"image"))) == b"image"
    with pytest.raises(FileUnreadable, match="more than 5 times"):
        get(Web(a=redirect("/a.png")))


def test_one_byte_more_than_allowed_tells_that_there_are_more() -> None:
    assert len(get(Web(a=httpx.Response(200, content=bytes(1000))), max_bytes=10)) == 11


def test_what_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileUnreadable, match="404"):
        get(Web(a=httpx.Response(404)))

    def broken() -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(FileUnreadable, match="refused"):
        get(Web(a=broken))
    monkeypatch.setattr(web_files, "LONGEST_SECONDS", -1.0)
    with pytest.raises(FileUnreadable, match="longer"):
        get(Web(a=httpx.Response(200, content=b"slow")))
