"""A file from the web, for an operator who allows it: fetched from public addresses only.

Whoever makes a user examine an address must not reach what only the user's machine reaches. So a name is resolved once,
every address that it has must be public, and the connection goes to that very address; each redirect is checked again.
A proxy would resolve names itself, so none is used.
"""

import time

import httpx

from service.kit.errors import FileUnreadable
from service.kit.pinning import NotReachable, Resolve, pin, resolved

LONGEST_SECONDS = 120.0
_MOST_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(20.0)
_HINT = "Download the file yourself and name it here."


def fetch(
    url: str, max_bytes: int, *, resolve: Resolve = resolved, transport: httpx.BaseTransport | None = None
) -> bytes:
    """The file at an address; if it is larger than `max_bytes`, one byte more than that.

    Raises:
        FileUnreadable: it cannot be fetched, or may not be: an address that is not public, too many redirects, another
            scheme, a password in it.
    """
    end = time.monotonic() + LONGEST_SECONDS
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=_TIMEOUT) as http:
            target = httpx.URL(url)
            for _ in range(_MOST_REDIRECTS + 1):
                response = http.send(_request(http, target, resolve), stream=True)
                try:
                    if not response.has_redirect_location:
                        return _body(response, max_bytes, end)
                    target = target.join(response.headers["location"])
                finally:
                    response.close()
    except httpx.InvalidURL as wrong:
        raise FileUnreadable(f"{url} is not an address on the web", hint=_HINT) from wrong
    except (httpx.HTTPError, OSError) as failed:
        raise FileUnreadable(f"{url} cannot be fetched: {str(failed) or 'no answer in time'}", hint=_HINT) from failed
    raise FileUnreadable(f"{url} redirects more than {_MOST_REDIRECTS} times", hint=_HINT)


def _request(http: httpx.Client, target: httpx.URL, resolve: Resolve) -> httpx.Request:
    """A request to a public address of the target's host, in that host's name."""
    try:
        pinned = pin(target, resolve)
    except NotReachable as refused:
        raise FileUnreadable(str(refused), hint=_HINT) from None
    return http.build_request(
        "GET",
        pinned.url,
        headers={**pinned.headers, "Accept": "*/*", "Accept-Encoding": "identity"},
        extensions=dict(pinned.extensions),
    )


def _body(response: httpx.Response, max_bytes: int, end: float) -> bytes:
    response.raise_for_status()
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > max_bytes:
            return bytes(body[: max_bytes + 1])
        if time.monotonic() > end:
            raise httpx.ReadTimeout(f"it took longer than {LONGEST_SECONDS:g} s")
    return bytes(body)
