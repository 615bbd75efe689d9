"""One call and its attempts: what is sent, when again, and what comes of it. It neither sends nor waits."""

from typing import Final, Generic, TypeVar

import httpx
from pydantic import ValidationError

from countermark_client.calls import Call
from countermark_client.errors import ApiError, Unreachable
from countermark_client.models import Problem
from countermark_client.retries import RETRIED, Retries

T = TypeVar("T")

TIMEOUT: Final = 300.0
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})


def headers_of(api_key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


class Exchange(Generic[T]):
    def __init__(self, call: Call[T], retries: Retries) -> None:
        self._call = call
        self._retries = retries
        self._attempts = 0
        self._response: httpx.Response | None = None

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request of the next attempt."""
        self._attempts += 1
        call = self._call
        return http.build_request(
            call.method,
            call.path,
            params=dict(call.params) or None,
            headers=dict(call.headers),
            json=call.json,
            data=dict(call.fields) or None,
            files=list(call.files) or None,
        )

    def pause_after(self, response: httpx.Response) -> float | None:
        """Seconds until another attempt; None: this response is the result."""
        self._response = response
        if response.status_code not in RETRIED:
            return None
        return self._retries.pause(self._attempts, response.headers)

    def pause_after_loss(self, lost: httpx.TransportError) -> float:
        """Seconds until another attempt after a connection was lost. Raises Unreachable if there were enough."""
        pause = self._retries.pause(self._attempts, {})
        if pause is None:
            raise Unreachable(f"no answer after {self._attempts} attempts: {lost!r}") from lost
        return pause

    def result(self) -> T:
        """Raises ApiError for an answer that is a problem, and Unreachable for one that is not Countermark's."""
        assert self._response is not None  # only asked once there is one
        try:
            if self._response.is_success:
                return self._call.read(self._response.content)
            problem = Problem.model_validate_json(self._response.content)
        except ValidationError as strange:
            status = self._response.status_code
            raise Unreachable(f"an answer with status {status} that is not of Countermark's API") from strange
        raise ApiError(problem)
