"""Messages to webhooks over HTTP: to the address that was checked, following no redirect and reading no answer."""

import httpx

from service.jobs.deliveries import NotDelivered
from service.kit.errors import BadRequest
from service.kit.pinning import NotReachable, Resolve, pin, resolved

LONGEST_URL = 2000
_TIMEOUT = httpx.Timeout(15.0)
_HINT = "Give an https address on the public internet, or set COUNTERMARK_WEBHOOK_PRIVATE_ADDRESSES."


class HttpSender:
    """Sends over HTTP. `private`: also to addresses that are not public, and without TLS."""

    def __init__(
        self, *, private: bool, resolve: Resolve = resolved, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._private = private
        self._resolve = resolve
        self._transport = transport

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer. Raises NotDelivered."""
        try:
            pinned = pin(httpx.URL(url), self._resolve, private=self._private)
            with httpx.Client(transport=self._transport, trust_env=False, timeout=_TIMEOUT) as http:
                request = http.build_request(
                    "POST",
                    pinned.url,
                    content=body,
                    headers={**headers, **pinned.headers},
                    extensions=dict(pinned.extensions),
                )
                response = http.send(request, stream=True)
                response.close()
                return response.status_code
        except NotReachable:
            raise NotDelivered("the address is not public") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:  # without its text, which may hold the address
            raise NotDelivered(type(fault).__name__) from fault

    def check(self, url: str) -> str:
        """The host of an address that messages can be sent to. Raises BadRequest for any other."""
        try:
            target = httpx.URL(url)
            if len(url) > LONGEST_URL or not (target.scheme == "https" or self._private):
                raise BadRequest("the address of a webhook begins with https://", hint=_HINT)
            pin(target, self._resolve, private=self._private)
        except (httpx.InvalidURL, NotReachable, OSError) as wrong:
            raise BadRequest(f"the address of the webhook cannot be used: {wrong}", hint=_HINT) from wrong
        return target.host
