"""Fetching a file over HTTP, going on where an interrupted attempt stopped."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from models.errors import ModelError

OnBytes = Callable[[int, int | None], None]
"""Called while a file arrives: (bytes so far, all of them if that is known)."""

TRIES = 5
PAUSE_SECONDS = 0.5
LARGEST_FILE = 8 << 30
_CHUNK = 1 << 20


def download(url: str, target: Path, http: httpx.Client, on_bytes: OnBytes) -> None:
    """Fetch `url` into `target`. If it is there already, it is the beginning of the file, and only the rest is fetched.

    A broken connection is tried again, with pauses.

    Raises:
        ModelError: the server does not give the file, or the connection breaks again and again.
    """
    for attempt in range(TRIES):
        try:
            _rest(url, target, http, on_bytes)
            return
        except httpx.HTTPStatusError as refused:
            if refused.response.status_code < httpx.codes.INTERNAL_SERVER_ERROR or attempt == TRIES - 1:
                raise ModelError(f"{shown(url)} answers {refused.response.status_code}") from refused
        except httpx.HTTPError as broken:
            if attempt == TRIES - 1:
                raise ModelError(f"{shown(url)}: {why(broken)}") from broken
        time.sleep(PAUSE_SECONDS * 2**attempt)


def _rest(url: str, target: Path, http: httpx.Client, on_bytes: OnBytes) -> None:
    there = target.stat().st_size if target.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
    with http.stream("GET", url, headers=headers) as response:
        if there and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there; its hash says whether it is right
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            there = 0
        length = response.headers.get("content-length", "")
        total = there + int(length) if length.isdigit() else None
        with target.open("ab" if there else "wb") as file:
            for chunk in response.iter_bytes(_CHUNK):
                there += file.write(chunk)
                if there > LARGEST_FILE:
                    raise ModelError(f"{shown(url)} has no end")
                on_bytes(there, total)


def shown(address: str) -> str:
    """An address to be read, without the password that it may hold."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return "an address"
    return str(url.copy_with(username=None, password=None)) if url.userinfo else address


def why(broken: httpx.HTTPError) -> str:
    """What happened, in words."""
    if isinstance(broken, httpx.TimeoutException):
        return "it did not answer in time"
    return str(broken) or "the connection broke"
