import hashlib
from pathlib import Path

import httpx
import pytest

from models.errors import DigestMismatch, ModelError
from models.npm_registry import NPM, NpmRegistry, fetch

PACKAGE = b"the package"
SHA256 = hashlib.sha256(PACKAGE).hexdigest()
REGISTRY = NpmRegistry("https://registry.example/npm")


def get(folder: Path, answer: httpx.Response, sha256: str = SHA256, package: str = "far") -> tuple[bytes, list[str]]:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return answer

    path = fetch(package, "1.2", sha256, folder, lambda *_: None, REGISTRY, httpx.MockTransport(respond))
    return path.read_bytes(), asked


@pytest.mark.parametrize(
    ("package", "url"),
    [
        ("far", "https://registry.example/npm/far/-/far-1.2.tgz"),
        ("@someone/far", "https://registry.example/npm/@someone/far/-/far-1.2.tgz"),
    ],
)
def test_the_file_of_one_version_is_fetched(tmp_path: Path, package: str, url: str) -> None:
    assert get(tmp_path, httpx.Response(200, content=PACKAGE), package=package) == (PACKAGE, [url])


def test_another_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match="the card says 000"):
        get(tmp_path, httpx.Response(200, content=PACKAGE), "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_the_beginning_of_another_file_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / f"{SHA256}.tgz").write_bytes(b"of another")
    answers = iter([httpx.Response(206, content=b"..."), httpx.Response(200, content=PACKAGE)])
    transport = httpx.MockTransport(lambda _: next(answers))
    path = fetch("far", "1.2", SHA256, tmp_path, lambda *_: None, REGISTRY, transport)
    assert path.read_bytes() == PACKAGE


def test_what_is_not_there_is_an_error_that_names_the_address(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"registry\.example/npm/far/-/far-1\.2\.tgz answers 404"):
        get(tmp_path, httpx.Response(404))


def test_npms_own_settings_are_followed(tmp_path: Path) -> None:
    assert NpmRegistry.configured({}, tmp_path) == NpmRegistry(NPM, None)
    (tmp_path / ".npmrc").write_text('registry = "https://mirror.example/"\ncafile=/ca.pem\n//mirror/:_auth=secret\n')
    assert NpmRegistry.configured({}, tmp_path) == NpmRegistry("https://mirror.example", "/ca.pem")
    variables = {"npm_config_registry": "https://other.example", "SSL_CERT_FILE": "/b.pem"}
    assert NpmRegistry.configured(variables, tmp_path) == NpmRegistry("https://other.example", "/ca.pem")
    assert NpmRegistry.configured(variables, tmp_path / "none").certificates == "/b.pem"
    elsewhere = {"NPM_CONFIG_USERCONFIG": str(tmp_path / ".npmrc")}
    assert NpmRegistry.configured(elsewhere, tmp_path / "none").address == "https://mirror.example"
