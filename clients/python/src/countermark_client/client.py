"""The client for ordinary, blocking code."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from countermark_client import calls, models
from countermark_client.calls import Call, Detected, Inspected
from countermark_client.errors import JobNotEnded
from countermark_client.exchange import ENDED, TIMEOUT, Exchange, headers_of
from countermark_client.retries import Retries

T = TypeVar("T")


class Countermark:
    """A server of Countermark. Thread-safe; close it, or use it in a `with` block.

    Every method raises ApiError if the server refuses, and Unreachable if it does not answer.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        retries: Retries = Retries(),  # noqa: B008  # it is frozen
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`timeout`: seconds that the server may be silent. `transport`: instead of the network."""
        self._http = httpx.Client(base_url=url, headers=headers_of(api_key), timeout=timeout, transport=transport)
        self._retries = retries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def generate(self, prompt: str, **options: Any) -> models.ImagesResponse:
        """Generate images. `options`: fields of `models.ImageGenerationRequest`, such as n, size, seed."""
        return self._send(calls.generate(prompt, options))

    def edit(self, prompt: str, image: bytes, mask: bytes | None = None, **options: Any) -> models.ImagesResponse:
        """Generate from an image (a file's bytes), or into what a mask leaves free."""
        return self._send(calls.edit(prompt, image, mask, options))

    def inspect(self, data: bytes, name: str = "file", *, manifest: bytes | None = None) -> models.Report:
        """What a file claims, carries, matches and probably is. `manifest`: a credential that came beside it."""
        return self._send(calls.inspect(data, name, manifest))

    def detect(self, files: Sequence[bytes]) -> list[Detected]:
        """Only the classifiers' opinion, for each file in order."""
        return self._send(calls.detect(files))

    def start_generation(self, prompt: str, **options: Any) -> models.Job:
        """As `generate`, in a job."""
        return self._send(calls.start_generation(prompt, options))

    def start_inspection(self, files: Sequence[bytes]) -> models.Job:
        """Inspect many files, or archives of files, in a job."""
        return self._send(calls.start_inspection(files))

    def job(self, number: str) -> models.Job:
        return self._send(calls.job(number))

    def cancel(self, number: str) -> models.Job:
        return self._send(calls.cancel_job(number))

    def wait(self, number: str, *, seconds: float = 3600, every: float = 1) -> models.Job:
        """The job once it has ended, well or not. Raises JobNotEnded if it has not within `seconds`."""
        end = time.monotonic() + seconds
        while (job := self.job(number)).status not in ENDED:
            if time.monotonic() + every > end:
                raise JobNotEnded(f"job {number} is still {job.status} after {seconds:.0f} s")
            time.sleep(every)
        return job

    def generation_result(self, number: str) -> models.ImagesResponse:
        return self._send(calls.generation_result(number))

    def inspection_result(self, number: str) -> list[Inspected]:
        return self._send(calls.inspection_result(number))

    def list_models(self) -> models.ServedModels:
        return self._send(calls.list_models())

    def ready(self) -> models.Readiness:
        """Raises ApiError if the server is not ready to work."""
        return self._send(calls.ready())

    def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._retries)
        while True:
            try:
                pause = exchange.pause_after(self._http.send(exchange.request(self._http)))
            except httpx.TransportError as lost:
                pause = exchange.pause_after_loss(lost)
            if pause is None:
                return exchange.result()
            time.sleep(pause)
