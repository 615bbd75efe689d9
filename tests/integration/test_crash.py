"""Killing the process at any point leaves no released image without its row."""

import hashlib
import random
import signal
from pathlib import Path

import pytest

from service.installation import open_installation
from service.kit.settings import Settings
from tests.support.disk import copy_home
from tests.support.killing import POINTS, printed, start
from tests.support.waiting import LONGEST


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the process finds no installation yet, and makes its own."""
    return tmp_path / "home"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The image that is ordered, in a folder of its own."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "lake.png"


def check(home: Path, out: Path) -> bool:
    """The invariant; tells whether a file was released."""
    installation = open_installation(Settings(home=home))
    audit = installation.ledger.verify()
    assert audit.problems == ()
    for path in out.parent.iterdir():  # unfinished files under their temporary names, too
        row = installation.ledger.by_sha256(hashlib.sha256(path.read_bytes()).hexdigest())
        assert row is not None, f"{path} was released without its row"
    installation.close()
    return out.exists()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, home: Path, out: Path, home_template: Path) -> None:
    copy_home(home_template, Settings(home=home))
    process = start(point, home, out)
    process.join(LONGEST)
    assert process.exitcode == -signal.SIGKILL, f"the point was never reached: {printed(out, '.stderr')}"
    released = check(home, out)
    assert released == (point in ("after replace", "after write"))
    other = out.with_name("again.png")
    again = start("never", home, other)
    again.join(LONGEST)
    assert again.exitcode == 0, printed(other, ".stderr")
    assert check(home, other)


def test_killed_at_random_moments(home: Path, out: Path) -> None:
    """The first time while the installation is made."""
    rng = random.Random(0)
    for n in range(8):
        each = out.with_name(f"{n}.png")
        process = start("never", home, each, seed=n)
        process.join(rng.uniform(0.02, 0.8))  # any moment will do
        process.kill()
        process.join(LONGEST)
        check(home, each)


def test_the_printed_decision_is_the_head(home: Path, out: Path) -> None:
    process = start("never", home, out)
    process.join(LONGEST)
    decision = next(line.split()[-1] for line in printed(out).splitlines() if line.startswith("Decision"))
    installation = open_installation(Settings(home=home))
    audit = installation.ledger.verify()
    assert (audit.head, audit.problems) == (decision, ())
