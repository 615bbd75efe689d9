"""What the scripts install is pinned, has hashes, and covers what the project asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lock import BUILD, LEFT_OUT, LOCKS, split

ROOT = Path(__file__).parents[2]
ALL = (*LOCKS, "torch")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def lines(lock: str) -> dict[str, str]:
    return split((ROOT / "requirements" / f"{lock}.lock").read_text())


def version(text: str) -> str:
    return re.split(r"==|\s", text)[1]


@pytest.mark.parametrize("lock", [*ALL, "torch-cpu"])
def test_every_package_is_pinned_and_has_hashes_and_no_address(lock: str) -> None:
    for package, text in lines(lock).items():
        assert re.match(rf"{re.escape(package)}==[\w.+!]+( ;.*)? \\$", text, re.MULTILINE), text
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", text), package
        assert "://" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_it_covers_what_the_project_asks_for(lock: str) -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(one for extra in LOCKS[lock] for one in extras[extra]), *BUILD]
    pins = lines(lock) | lines("torch")
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(version(pins[canonicalize_name(requirement.name)])), requirement


def test_all_locks_agree() -> None:
    seen: dict[str, set[str]] = {}
    for lock in ALL:
        for package, text in lines(lock).items():
            seen.setdefault(package, set()).add(version(text))
    assert {package: found for package, found in seen.items() if len(found) > 1} == {}


def test_what_would_replace_a_package_of_ours_is_left_out() -> None:
    assert not set(LEFT_OUT) & {package for lock in LOCKS for package in lines(lock)}


def test_torch_has_locks_of_its_own() -> None:
    assert not [package for lock in LOCKS for package in lines(lock) if package.startswith(("torch", "nvidia", "cuda"))]
    assert version(lines("torch-cpu")["torch"]) == version(lines("torch")["torch"]) + "+cpu"
