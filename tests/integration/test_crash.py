"""Killing the process at any point leaves no released image without its row."""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.installation import open_installation
from service.kit.settings import Settings

# A command line over the painter that kills itself (SIGKILL: no handler, no flush) at the chosen point.
SCRIPT = """
import os, pathlib, signal, sys
from service import installation as module
from service.cli import app, files, generate
from service.gateway.assembly import build_gateway
from service.gateway.stages import IssueStage, MarkStage, ProveStage, SignStage
from service.gateway.options import GatewayOptions
from service.ledger.ledger import Ledger, Transaction
from service.media.pictures import ImageLimits
from tests.support.painter import Checker, Painter
from tests.support.prompts import Screen

point = sys.argv.pop(1)

def dying(name, function, meant=lambda *args: True):
    def call(*args, **more):
        if point == f"before {name}" and meant(*args):
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **more)
        if point == f"after {name}" and meant(*args):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

for owner, method, name in [(Painter, "render", "render"), (Checker, "__call__", "check"),
                            (MarkStage, "__call__", "mark"), (SignStage, "__call__", "sign"),
                            (ProveStage, "__call__", "prove"), (IssueStage, "__call__", "issue"),
                            (Ledger, "issue", "store"), (Transaction, "_append", "append"),
                            (files, "write", "write")]:
    setattr(owner, method, dying(name, getattr(owner, method)))
# The home folder's own files are replaced as well; the image is what counts.
replace = dying("replace", pathlib.Path.replace, lambda path, target: pathlib.Path(target).suffix == ".png")
pathlib.Path.replace = replace

def gateway(self):
    options = GatewayOptions("Test", 0.5, 30.0, 60.0, ImageLimits(1 << 20, 1 << 22))
    return build_gateway(Painter(), Screen(), [Checker()], self.codec, self.credentials, self.ledger, options,
                         lambda prompt: "0", self.blocklist, self.likeness, self.adapters, self.publisher)

module.Installation._open_gateway = gateway
app.run()
"""

POINTS = [
    f"{when} {name}"
    for name in ("render", "check", "mark", "sign", "prove", "issue", "store", "append", "write", "replace")
    for when in ("before", "after")
]


def start(point: str, home: Path, out: Path, seed: int = 1) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "COUNTERMARK_HOME": str(home), "COUNTERMARK_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, point, "generate", "a lake", "--out", str(out), "--seed", str(seed)]
    return subprocess.Popen(
        command, env=environment, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


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
def test_killed_at(point: str, tmp_path: Path) -> None:
    out = tmp_path / "out" / "lake.png"
    out.parent.mkdir()
    process = start(point, tmp_path / "home", out)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, "the point was never reached"
    released = check(tmp_path / "home", out)
    assert released == (point in ("after replace", "after write"))
    again = start("never", tmp_path / "home", out.with_name("again.png"))
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0, err.decode()
    assert check(tmp_path / "home", out.with_name("again.png"))


def test_killed_at_random_moments(tmp_path: Path) -> None:
    out = tmp_path / "out" / "lake.png"
    out.parent.mkdir()
    rng = random.Random(0)
    for n in range(8):
        process = start("never", tmp_path / "home", out.with_name(f"{n}.png"), seed=n)
        with contextlib.suppress(subprocess.TimeoutExpired):  # any moment will do
            process.wait(rng.uniform(0.4, 2.0))
        process.kill()
        process.communicate()
        check(tmp_path / "home", out.with_name(f"{n}.png"))


def test_the_printed_decision_is_the_head(tmp_path: Path) -> None:
    out = tmp_path / "lake.png"
    process = start("never", tmp_path / "home", out)
    text, _ = process.communicate(timeout=60)
    decision = next(line.split()[-1] for line in text.decode().splitlines() if line.startswith("Decision"))
    installation = open_installation(Settings(home=tmp_path / "home"))
    assert installation.ledger.verify().head == decision
    assert json.dumps(installation.ledger.verify().problems) == "[]"
