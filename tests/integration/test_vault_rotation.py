"""Killing a rotation of the vault's key at any point leaves everything readable, and the same command goes on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.installation import Installation, open_installation
from service.keys.vault_keys import VAULT_FILE
from service.kit.settings import Settings
from service.recovery.vault_rotation import retire, rotate
from tests.support.sealed import SealedRecords, seal_everything

# Importing takes most of a command's time, so one process imports, and forks for each command. That kills itself
# (SIGKILL: no handler, no flush) at the chosen point.
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from service.adapters.registry import Adapters
from service.keys.vault_keys import VaultKeys
from service.kit.settings import Settings
from service.installation import open_installation
from service.ledger.ledger import Ledger
from service.recovery.vault_rotation import retire, rotate
from service.storage.wrapped_keys import WrappedKeyRepository

OWNER = {"add": VaultKeys, "replace": WrappedKeyRepository, "rewrap": Adapters, "scrub": Ledger, "drop_old": VaultKeys}

def command(home, step, when, name, calls):
    function = getattr(OWNER[name], name)
    def dying(*args):
        nonlocal calls
        calls -= 1
        if (when, calls) == ("before", 0):
            os.kill(os.getpid(), signal.SIGKILL)
        function(*args)
        if (when, calls) == ("after", 0):
            os.kill(os.getpid(), signal.SIGKILL)
    setattr(OWNER[name], name, dying)
    installation = open_installation(Settings(home=Path(home), threads=1))
    rotate(installation) if step == "rotate" else retire(installation, stopped=True)

for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        command(*json.loads(line))
        os._exit(0)
    print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])), flush=True)
"""

Kill = Callable[..., None]


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    """Runs a step in a process of its own that is killed at a point: (home, step, when, name, calls)."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "COUNTERMARK_PARSER_PROCESSES": "0"},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        orders, results = process.stdin, process.stdout

        def run(*order: str | int) -> None:
            orders.write(json.dumps(order) + "\n")
            orders.flush()
            assert json.loads(results.readline()) == -signal.SIGKILL, "the point was never reached"

        yield run
        with contextlib.suppress(BrokenPipeError):
            orders.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"held_retention_days": 7})


@pytest.mark.parametrize(
    ("when", "name", "calls", "left"),
    [
        ("after", "add", 1, SealedRecords.COUNT),
        ("before", "replace", 4, SealedRecords.COUNT),
        ("after", "rewrap", 1, SealedRecords.COUNT - 1),  # the adapter's card is a file, and not rolled back
        ("before", "scrub", 1, 0),
    ],
)
def test_a_rotation_killed_at(
    kill: Kill, when: str, name: str, calls: int, left: int, installation: Installation, tmp_path: Path
) -> None:
    records = seal_everything(installation, tmp_path)
    home = str(installation.settings.home)
    key = installation.settings.home / VAULT_FILE
    old = key.read_bytes()
    kill(home, "rotate", when, name, calls)
    new = key.read_bytes()[:32]
    assert key.read_bytes() == new + old
    records.check(installation)  # a service that was running all the time
    fresh = open_installation(installation.settings)
    records.check(fresh)
    assert rotate(fresh).rewrapped == left
    fresh.close()
    kill(home, "retire", "before", "drop_old", 1)
    assert key.read_bytes() == new + old
    records.check(installation)
    retire(installation, stopped=True)
    assert key.read_bytes() == new
    records.check(installation)
    assert installation.ledger.verify().problems == ()
