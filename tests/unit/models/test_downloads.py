from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from models import downloads
from models.downloads import TRIES, download, shown
from models.errors import ModelError

URL, FILE = "https://user:secret@example.com/a.whl", bytes(range(256)) * 64


class Server:
    """Sends FILE, from where it is asked to; `breaks` connections break halfway."""

    def __init__(self, breaks: int = 0, ranges: bool = True) -> None:
        self.breaks, self.ranges = breaks, ranges
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("range", "")
        self.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0) if self.ranges else 0
        if start >= len(FILE):
            return httpx.Response(416)
        rest = FILE[start:]
        headers = {"content-length": str(len(rest))}
        if self.breaks:
            self.breaks -= 1
            return httpx.Response(206 if start else 200, headers=headers, stream=Broken(rest))
        return httpx.Response(206 if start else 200, headers=headers, content=rest)


class Broken(httpx.SyncByteStream):
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield self._data[: len(self._data) // 2]
        raise httpx.ReadError("reset")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0)


def fetched(
    server: Callable[[httpx.Request], httpx.Response], target: Path, seen: list[tuple[int, int | None]] | None = None
) -> bytes:
    with httpx.Client(transport=httpx.MockTransport(server)) as http:
        download(URL, target, http, lambda done, total: None if seen is None else seen.append((done, total)))
    return target.read_bytes()


def test_a_file_and_its_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    assert fetched(Server(), tmp_path / "a", seen) == FILE
    assert seen[-1] == (len(FILE), len(FILE))


def test_a_broken_connection_goes_on_where_it_broke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_CHUNK", 1024)
    server = Server(breaks=2)
    assert fetched(server, tmp_path / "a") == FILE
    assert server.asked == ["", f"bytes={len(FILE) // 2}-", f"bytes={len(FILE) * 3 // 4}-"]


def test_what_an_earlier_attempt_left_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(FILE[:100])
    server = Server()
    assert fetched(server, tmp_path / "a") == FILE
    assert server.asked == ["bytes=100-"]
    assert fetched(server, tmp_path / "a") == FILE  # all of it was there


def test_a_server_that_cannot_resume_sends_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"some other beginning")
    assert fetched(Server(ranges=False), tmp_path / "a") == FILE


def test_what_never_ends_well_is_an_error_without_the_password(tmp_path: Path) -> None:
    for server, asked in (
        (lambda request: httpx.Response(403), 1),
        (lambda request: httpx.Response(503), TRIES),
        (Server(breaks=99), TRIES),
    ):
        count: list[int] = []

        def counted(request: httpx.Request, server=server, count=count) -> httpx.Response:  # type: ignore[no-untyped-def]
            count.append(1)
            response: httpx.Response = server(request)
            return response

        with pytest.raises(ModelError) as caught:
            fetched(counted, tmp_path / "a")
        assert "secret" not in str(caught.value)
        assert len(count) == asked


def test_a_file_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "LARGEST_FILE", 1000)
    with pytest.raises(ModelError, match="no end"):
        fetched(Server(), tmp_path / "a")


def test_addresses_are_shown_without_passwords() -> None:
    assert shown(URL) == "https://example.com/a.whl"
    assert shown("/wheels") == "/wheels"
