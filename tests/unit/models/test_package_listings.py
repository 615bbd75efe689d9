import json
from pathlib import Path

import pytest

from models.package_listings import Offer, local_path, of_folder, of_index

URL = "https://example.com/simple/far-weights/"
SHA256 = "ab" * 32


def test_a_listing_in_json() -> None:
    files = [
        {"filename": "a-1-py3-none-any.whl", "url": "../../files/a.whl", "hashes": {"sha256": SHA256}},
        {"filename": "b.tar.gz", "url": "https://files.example/b.tar.gz", "hashes": {}},
    ]
    body = json.dumps({"meta": {"api-version": "1.0"}, "files": files}).encode()
    assert of_index(body, "application/vnd.pypi.simple.v1+json", URL) == [
        Offer("a-1-py3-none-any.whl", "https://example.com/files/a.whl", SHA256),
        Offer("b.tar.gz", "https://files.example/b.tar.gz"),
    ]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"files": [{}]}', b'{"files": [1]}'])
def test_what_is_no_listing(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json, or ours
        of_index(body, "application/json", URL)


def test_a_listing_in_html() -> None:
    body = f"""<!DOCTYPE html><html><head><base href="/files/"></head><body>
    <a href="a%2B1-1-py3-none-any.whl#sha256={SHA256}">a</a><br><a name="x">no link</a>
    <A HREF="https://files.example/b.whl#md5=00">b</A></body></html>""".encode()
    assert of_index(body, "text/html", URL) == [
        Offer("a+1-1-py3-none-any.whl", "https://example.com/files/a%2B1-1-py3-none-any.whl", SHA256),
        Offer("b.whl", "https://files.example/b.whl"),
    ]


def test_a_folder_with_and_without_a_listing(tmp_path: Path) -> None:
    (tmp_path / "a.whl").touch()
    (tmp_path / "deep").mkdir()
    assert of_folder(tmp_path) == [Offer("a.whl", (tmp_path / "a.whl").as_uri())]
    (tmp_path / "index.html").write_text('<a href="../b.whl">b</a>')
    assert of_folder(tmp_path) == [Offer("b.whl", (tmp_path.parent / "b.whl").as_uri())]


def test_what_is_on_this_machine(tmp_path: Path) -> None:
    assert local_path((tmp_path / "a b").as_uri()) == tmp_path / "a b"
    assert local_path("/wheels") == Path("/wheels")
    assert local_path("https://example.com/") is None
