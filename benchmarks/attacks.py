"""Every attack that once worked on the service, tried again: what it did, what it does now, and whether that is right.

    python benchmarks/attacks.py [--only PART ...] [--quick] [--json]

PART is the number of a finding or the name of a module in benchmarks/attack_rows. `--quick` leaves out the attacks that
take longer than some seconds or start a server. Needs Linux and the extra `faces`. Ends with 1 if an attack does not
hold, and with 2 if PART is none. All of it takes some minutes.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.attack_rows import Row
from service.kit import logs


@dataclass(frozen=True)
class Attack:
    """A function `name` in a module of `attack_rows`. Imported when it runs: some need what others do without."""

    module: str
    name: str
    quick: bool = False

    def function(self) -> Callable[[], Iterable[Row]]:
        found: Callable[[], Iterable[Row]] = getattr(
            importlib.import_module(f"benchmarks.attack_rows.{self.module}"), self.name
        )
        return found

    def rows(self) -> Iterator[Row]:
        try:
            yield from self.function()()
        except Exception as error:  # noqa: BLE001  # one that cannot be tried does not hold, and the others are tried
            yield Row(f"{self.module}.{self.name}", "", f"could not be tried: {type(error).__name__}: {error}", False)


@dataclass(frozen=True)
class Finding:
    """A finding of the first attacks, in their order, and the attacks that try it."""

    title: str
    attacks: tuple[Attack, ...]


FINDINGS = (
    Finding(
        "accused without a credential",
        (Attack("claims", "without_a_credential", True), Attack("claims", "flipped_bits")),
    ),
    Finding("memory", (Attack("memory", "bomb_alone"), Attack("memory", "bombs_at_once"))),
    Finding(
        "front door",
        (Attack("front_door", "slow_clients"), Attack("front_door", "unfinished_bodies"), Attack("front_door", "stop")),
    ),
    Finding(
        "the ledger moved, replaced or rolled back",
        (
            Attack("ledger", "while_serving", True),
            Attack("ledger", "on_postgresql"),
            Attack("ledger", "after_a_restart", True),
            Attack("audit_log", "rolled_back_at_start"),
            Attack("audit_log", "witnesses"),
            Attack("audit_log", "history", True),
            Attack("audit_log", "outsiders", True),
        ),
    ),
    Finding("PINs", (Attack("consent", "blocked_pins"),)),
    Finding("a million chunks", (Attack("memory", "chunks"),)),
    Finding("floods of log lines", (Attack("front_door", "hang_up"), Attack("memory", "libtiff"))),
    Finding("photographs signed as ours", (Attack("consent", "tiny_edits"),)),
    Finding("turned faces", (Attack("consent", "turned_faces"),)),
    Finding(
        "notices and forged addresses", (Attack("consent", "flooded_notices"), Attack("front_door", "forged_headers"))
    ),
    Finding("a long ledger", (Attack("similar", "long_ledger"),)),
    Finding(
        "minor",
        (
            Attack("ledger", "modes", True),
            Attack("supply", "documented_errors", True),
            Attack("supply", "pinned", True),
            Attack("front_door", "strangers"),
        ),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="PART", choices=parts(), default=None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    logs.configure("critical")  # the table is the output
    found = []
    if not options.json:
        print("| no. | attack | version 0.1 | now | held |\n|---|---|---|---|---|")
    for number, row in tried(options.only, quick=options.quick):
        found.append({"number": number, "finding": FINDINGS[number - 1].title, **row._asdict()})
        if not options.json:
            held = "yes" if row.held else "**no**"
            print(f"| {number} | {row.name} | {row.before} | {row.after} | {held} |", flush=True)
    if options.json:
        print(json.dumps(found, indent=2))
    return 0 if all(row["held"] for row in found) else 1


def parts() -> list[str]:
    modules = {attack.module for finding in FINDINGS for attack in finding.attacks}
    return [*(str(number) for number, _ in enumerate(FINDINGS, 1)), *sorted(modules)]


def tried(only: Sequence[str] | None, *, quick: bool) -> Iterator[tuple[int, Row]]:
    """The rows of the chosen attacks with the numbers of their findings."""
    for number, finding in enumerate(FINDINGS, 1):
        for attack in finding.attacks:
            chosen = only is None or str(number) in only or attack.module in only
            if chosen and (attack.quick or not quick):
                yield from ((number, row) for row in attack.rows())


if __name__ == "__main__":
    sys.exit(main())
