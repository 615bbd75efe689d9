import hashlib
from pathlib import Path

import httpx
import pytest

from models.errors import DigestMismatch, ModelError
from models.package_index import Wanted, fetch
from models.package_sources import PackageSources

WHEEL, NAME = b"the wheel", "Far_Weights-1.2-py3-none-any.whl"
SHA256 = hashlib.sha256(WHEEL).hexdigest()
WANTED = Wanted("far.weights", "1.2", SHA256)
INDEX = PackageSources(("https://index.example/simple",))


class Index:
    """An index with one project; `answers` by address."""

    def __init__(self, listing: str, wheel: bytes = WHEEL) -> None:
        self._listing, self._wheel = listing, wheel
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if request.url.path == "/simple/far-weights/":
            assert "simple.v1+json" in request.headers["accept"]
            return httpx.Response(200, html=self._listing)
        if request.url.path.endswith(".whl"):
            return httpx.Response(200, content=self._wheel)
        return httpx.Response(404)


def link(name: str = NAME, sha256: str | None = SHA256) -> str:
    return f'<a href="/files/{name}{f"#sha256={sha256}" if sha256 else ""}">{name}</a>'


def get(index: Index, folder: Path, sources: PackageSources = INDEX, wanted: Wanted = WANTED) -> bytes:
    path = fetch(wanted, folder, lambda done, total: None, sources, httpx.MockTransport(index))
    assert path.parent == folder
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "named"),
    [
        (NAME, True),
        ("far_weights-1.2-1-cp311-cp311-linux_x86_64.whl", True),
        ("far_weights-1.2.1-py3-none-any.whl", False),
        ("far_weights_more-1.2-py3-none-any.whl", False),
        ("far_weights-1.2.tar.gz", False),
    ],
)
def test_which_files_are_meant(name: str, named: bool) -> None:
    assert WANTED.is_named(name) is named


def test_the_wheel_of_the_card_among_others(tmp_path: Path) -> None:
    others = link("far_weights-1.1-py3-none-any.whl") + link("far_weights-1.2-cp311-cp311-win32.whl", "0" * 64)
    index = Index(others + link())
    assert get(index, tmp_path) == WHEEL
    assert index.asked == ["https://index.example/simple/far-weights/", f"https://index.example/files/{NAME}"]


def test_a_source_that_has_it_not_is_passed_over(tmp_path: Path) -> None:
    sources = PackageSources(("https://index.example/other", *INDEX.indexes), ("https://index.example/links/",))
    assert get(Index(link(sha256=None)), tmp_path, sources) == WHEEL


def test_a_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(WHEEL)
    index = Index(link())
    (tmp_path / "partial").mkdir()
    assert get(index, tmp_path / "partial", PackageSources(INDEX.indexes, (str(tmp_path),))) == WHEEL
    assert index.asked == []


def test_another_file_is_refused_before_it_is_fetched_if_the_index_says_so(tmp_path: Path) -> None:
    index = Index(link(sha256="0" * 64))
    with pytest.raises(DigestMismatch, match=f"the card says {SHA256}"):
        get(index, tmp_path)
    assert len(index.asked) == 1


def test_another_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch):
        get(Index(link(), wheel=b"another"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_beginning_costs_one_more_attempt(tmp_path: Path) -> None:
    (tmp_path / f"{SHA256}.whl").write_bytes(b"wrong")

    class Resuming(Index):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if "range" in request.headers:
                return httpx.Response(206, content=WHEEL[5:])
            return super().__call__(request)

    assert get(Resuming(link()), tmp_path) == WHEEL


def test_what_is_nowhere_names_where_it_was_looked_for(tmp_path: Path) -> None:
    sources = PackageSources(("https://u:secret@index.example/none",), (str(tmp_path / "gone"),))
    with pytest.raises(ModelError, match=r"far\.weights==1\.2 could not be downloaded") as caught:
        get(Index(""), tmp_path, sources)
    assert "https://index.example/none/far-weights/ does not offer it" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(ModelError, match="no index"):
        get(Index(""), tmp_path, PackageSources(()))


def test_an_index_that_does_not_answer_is_named(tmp_path: Path) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ModelError, match="refused"):
        fetch(WANTED, tmp_path, lambda done, total: None, INDEX, httpx.MockTransport(down))
