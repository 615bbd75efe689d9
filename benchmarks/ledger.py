"""How long the ledger takes to issue an image and to look one up, and the ratio between two versions.

    python benchmarks/ledger.py                       this version
    python benchmarks/ledger.py --against OTHER       this version and the checkout OTHER, alternating, in one run

Each version runs in its own process. Rounds alternate, so that other load on the machine affects both alike. Every
issue is one durable commit, so the disk determines most of its time.
"""

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.ledger.ledger import Issue

HERE = Path(__file__).parents[1]
STEPS = ("issue", "refuse", "by_mark", "by_sha256", "decided")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="checkout of another version")
    parser.add_argument("--images", type=int, default=300, help="images per round (default 300)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each version (default 5)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one_round(options.images)))
        return
    checkouts = {"this": HERE, **({"other": options.against.resolve()} if options.against else {})}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    for _ in range(options.rounds):
        for name, checkout in checkouts.items():
            times[name].append(run(checkout, options.images))
    print(f"| step | {' | '.join(f'{name}, ms' for name in checkouts)} |{' ratio |' if options.against else ''}")
    print("|---" * (1 + len(checkouts) + bool(options.against)) + "|")
    for step in STEPS:
        medians = [statistics.median(each[step] for each in times[name]) for name in checkouts]
        ratio = f" {medians[0] / medians[1]:.2f} |" if options.against else ""
        print(f"| {step} | {' | '.join(f'{each:.3f}' for each in medians)} |{ratio}")


def run(checkout: Path, images: int) -> dict[str, float]:
    command = [sys.executable, str(Path(__file__).resolve()), "--one", "--images", str(images)]
    environment = {"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True)
    medians: dict[str, float] = json.loads(done.stdout)
    return medians


def one_round(images: int) -> dict[str, float]:
    """The median milliseconds of each step, over `images` images in a new ledger."""
    from service.ledger.ledger import Ledger

    times: dict[str, list[float]] = {step: [] for step in STEPS}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        for number in range(1, images + 1):
            image = issue(number)
            content: dict[str, object] = {"findings": [{"score": 0.5}] * 5, "number": number}
            clock(times["issue"], partial(ledger.issue, image, content))
            clock(times["refuse"], partial(ledger.refuse, f"urn:uuid:refused-{number}", {"code": "x"}))
            clock(times["by_mark"], partial(ledger.by_mark, image.mark_id))
            clock(times["by_sha256"], partial(ledger.by_sha256, image.sha256))
            clock(times["decided"], partial(ledger.decided, image.content_id))
        assert ledger.verify().problems == ()
        ledger.close()
    return {step: statistics.median(measured) for step, measured in times.items()}


def issue(number: int) -> "Issue":
    """The row of one image. Versions before migration 0007 took its time as text."""
    from service.ledger.ledger import Issue

    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    as_text = "datetime" not in str(Issue.__annotations__["created_at"])
    created_at: Any = now.isoformat(timespec="seconds") if as_text else now
    fingerprint = (number * 2654435761 % 2**64).to_bytes(32, "big")
    return Issue(number, f"urn:uuid:{number}", created_at, "image/png", 512, 512, f"{number:064x}", fingerprint, 90,
                 b"m" * 20_000, "m@1", "d" * 64, number, "p" * 64)  # fmt: skip


def clock(measured: list[float], step: Callable[[], object]) -> None:
    start = time.perf_counter()
    step()
    measured.append((time.perf_counter() - start) * 1000)


if __name__ == "__main__":
    main()
