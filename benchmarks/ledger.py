"""How long the ledger takes to issue an image and to look one up, and the ratio between two versions.

    python benchmarks/ledger.py                       this version
    python benchmarks/ledger.py --against OTHER       this version and the checkout OTHER, alternating, in one run
    python benchmarks/ledger.py --tree                decisions with and without the Merkle tree, alternating
    python benchmarks/ledger.py --watch               with and without looking whether the database was replaced
    python benchmarks/ledger.py --proofs 1000000      checkpoints and proofs of a log with so many decisions

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
    parser.add_argument("--tree", action="store_true", help="cost of the Merkle tree")
    parser.add_argument("--watch", action="store_true", help="cost of noticing that the database was replaced")
    parser.add_argument("--proofs", type=int, help="time of checkpoints and proofs, with so many decisions")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one_round(options.images)))
        return
    if options.tree:
        cost_of_tree(options.images, options.rounds)
        return
    if options.watch:
        cost_of_watch(options.images, options.rounds)
        return
    if options.proofs:
        proofs(options.proofs)
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


def cost_of_tree(decisions: int, rounds: int) -> None:
    """Print the medians of a decision with and without its leaf, and their ratio. Decisions alternate."""
    from service.ledger import transaction
    from service.ledger.ledger import Ledger

    append = vars(transaction)["append"]
    times: dict[str, list[float]] = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as folder:
        ledgers = {name: Ledger.open(Path(folder) / name) for name in times}
        for number in range(rounds * decisions):
            for name, ledger in ledgers.items():
                vars(transaction)["append"] = append if name == "with" else lambda *_: None
                clock(times[name], partial(ledger.refuse, f"urn:uuid:{number}", {"code": "x", "message": "m" * 300}))
        vars(transaction)["append"] = append
        assert ledgers["with"].verify().problems == ()
        for ledger in ledgers.values():
            ledger.close()
    medians = {name: statistics.median(measured) for name, measured in times.items()}
    print(f"decision with the tree {medians['with']:.3f} ms, without {medians['without']:.3f} ms, "
          f"ratio {medians['with'] / medians['without']:.2f}")  # fmt: skip


def cost_of_watch(images: int, rounds: int) -> None:
    """Print the medians of an issue and of a look-up with and without `DatabaseWatch`, and their ratios. They alternate
    between two ledgers."""
    from service.ledger.ledger import Ledger

    steps = ("issue", "by_sha256")
    times: dict[tuple[str, str], list[float]] = {(step, name): [] for step in steps for name in ("with", "without")}
    with tempfile.TemporaryDirectory() as folder:
        ledgers = {name: Ledger.open(Path(folder) / name) for name in ("with", "without")}
        ledgers["without"]._database._watch = None
        for number in range(1, rounds * images + 1):
            image = issue(number)
            for name in sorted(ledgers, reverse=bool(number % 2)):
                clock(times["issue", name], partial(ledgers[name].issue, image, {"findings": [{"score": 0.5}] * 5}))
                clock(times["by_sha256", name], partial(ledgers[name].by_sha256, image.sha256))
        for ledger in ledgers.values():
            ledger.close()
    for step in steps:
        watched, plain = (statistics.median(times[step, name]) for name in ("with", "without"))
        print(f"{step}: with {watched:.3f} ms, without {plain:.3f} ms, ratio {watched / plain:.2f}")


def proofs(decisions: int) -> None:
    """Print the median times of checkpoints and proofs, and the sizes of both."""
    import random

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from service.ledger.ledger import Ledger
    from service.ledger.merkle import CompactRange, leaf_hash
    from service.ledger.transparency import open_log

    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "ledger.db")
        with ledger._database.write() as session:  # the decisions themselves are not read by a proof but one
            add = session._connection.exec_driver_sql
            tree, number = CompactRange(), 0
            for first in range(0, decisions, 50_000):
                rows = range(first + 1, min(first + 50_000, decisions) + 1)
                add("INSERT INTO decisions VALUES (?,?,?,?,?,?,?)",
                    [(seq, "2026-01-01T00:00:00.000+00:00", "refused", f"urn:uuid:{seq}", "{}", f"{seq - 1:064x}",
                      f"{seq:064x}") for seq in rows])  # fmt: skip
                nodes = [node for seq in rows for node in tree.append(leaf_hash(b"%d" % seq))]
                add("INSERT INTO merkle_nodes VALUES (?,?)", list(enumerate(nodes, number)))
                number += len(nodes)
        log = open_log(ledger, Ed25519PrivateKey.generate(), None)
        times: dict[str, list[float]] = {"checkpoint": [], "inclusion": [], "consistency": []}
        for _ in range(300):
            seq = random.randint(1, decisions)
            decision = log.find(str(seq))
            clock(times["checkpoint"], log.checkpoint)
            clock(times["inclusion"], partial(log.prove, decision, disclose=False))
            clock(times["consistency"], partial(log.consistency, seq, decisions))
        size = len(str(log.prove(decision, disclose=False).proof))
        ledger.close()
    print(f"{decisions} decisions, {number} hashes; a proof has {size} bytes")
    for name, measured in times.items():
        print(f"{name}: {statistics.median(measured):.3f} ms")


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
