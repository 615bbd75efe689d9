"""Kill the gateway (SIGKILL) again and again, and look for a released image that the ledger does not know.

    python benchmarks/crash.py --kills 500

Each round starts `countermark generate` in a process of its own on one home folder and kills it at a random moment, or
at one of the named points around each stage. After each kill the audit must find nothing, every file that exists must
have its row, and a new process must start. Prints what it found; exits 1 if an image was released without its row.
"""

import argparse
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration.test_crash import check
from tests.support.killing import POINTS, start

_LONGEST = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500, help="rounds (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments (default 0)")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.mkdir()
        whole = duration(Path(folder) / "home", out / "whole.png")
        killed = released = 0
        for number in range(options.kills):
            died, left = kill(Path(folder) / "home", out / f"{number}.png", number, rng, whole)
            killed, released = killed + died, released + left
            if (number + 1) % 50 == 0:
                print(f"{number + 1} rounds, {killed} killed, {released} files released", flush=True)
    print(f"{options.kills} rounds, {killed} killed before their end, {released} files released, all of them recorded")


def duration(home: Path, out: Path) -> float:
    """Seconds of a process that is not killed: the median of three."""
    times = []
    for number in range(3):
        began = time.perf_counter()
        process = start("never", home, out.with_name(f"whole-{number}.png"), seed=number)
        process.join(_LONGEST)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def kill(home: Path, out: Path, number: int, rng: random.Random, whole: float) -> tuple[bool, bool]:
    """One round: was it killed, and was its file released? Every other round dies at a named point.

    Raises AssertionError where the invariant does not hold.
    """
    point = rng.choice(POINTS) if number % 2 else "never"
    process = start(point, home, out, seed=number)
    process.join(_LONGEST if number % 2 else rng.uniform(0, whole))
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL, check(home, out)


if __name__ == "__main__":
    main()
