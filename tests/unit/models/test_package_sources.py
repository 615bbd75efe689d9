import os
from pathlib import Path

import pytest

from models import package_sources
from models.package_sources import PYPI, PackageSources


@pytest.fixture(autouse=True)
def _no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_sources, "_own_files", lambda: iter(()))


def configured(**environment: str) -> PackageSources:
    return PackageSources.configured(environment)


def test_without_configuration_it_is_pypi() -> None:
    assert configured() == PackageSources((PYPI,), (), None)


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"])
def test_an_index_of_pip_or_uv_is_used_instead(variable: str) -> None:
    assert configured(**{variable: "https://user:pw@example.com/simple/"}).indexes == (
        "https://user:pw@example.com/simple",
    )


def test_more_indexes_and_folders() -> None:
    found = configured(
        PIP_EXTRA_INDEX_URL="https://a.example/simple https://b.example/simple", PIP_FIND_LINKS="/wheels /more"
    )
    assert found.indexes == (PYPI, "https://a.example/simple", "https://b.example/simple")
    assert found.links == ("/wheels", "/more")
    assert configured(UV_INDEX="own=https://c.example/simple").indexes == (PYPI, "https://c.example/simple")


def test_no_index_leaves_the_folders() -> None:
    assert configured(PIP_NO_INDEX="1", UV_FIND_LINKS="/a,/b") == PackageSources((), ("/a", "/b"))


def test_certificates() -> None:
    assert configured(PIP_CERT="/ca.pem").certificates == "/ca.pem"


def test_pips_file_says_what_no_variable_does(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://c.example/simple\nfind-links =\n  /one\n  /two\ncert = /c.pem\n"
        "[download]\nextra-index-url = https://d.example/100%safe\n"
    )
    found = configured(PIP_CONFIG_FILE=str(file))
    assert found.indexes == ("https://c.example/simple", "https://d.example/100%safe")
    assert (found.links, found.certificates) == (("/one", "/two"), "/c.pem")
    assert configured(PIP_CONFIG_FILE=str(file), PIP_INDEX_URL="https://e.example").indexes[0] == "https://e.example"


def test_a_file_that_cannot_be_read_or_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "pip.conf"
    broken.write_bytes(b"\xff no section")
    assert configured(PIP_CONFIG_FILE=str(broken)).indexes == (PYPI,)
    own = tmp_path / "own.conf"
    own.write_text("[global]\nindex-url = https://own.example\n")
    monkeypatch.setattr(package_sources, "_own_files", lambda: iter((own,)))
    assert configured().indexes == ("https://own.example",)
    assert configured(PIP_CONFIG_FILE=os.devnull).indexes == (PYPI,)
