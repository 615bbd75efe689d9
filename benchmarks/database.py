"""What the ledger's database takes once it holds many decisions.

    python benchmarks/database.py [--rows 1000000] [--times 300]

A ledger with so many issued images and as many decisions, and the complete Merkle tree over them, on SQLite and on
PostgreSQL. Rows are made by the database and their hashes are no chain, so `audit verify` would refuse them; what is
measured reads and writes them like any other. `issue`: an image with its decision and its part of the tree, one after
the other, one writer. `decision`: one without a row. `page`: 100 decisions before one in the middle. `about`: all
decisions about an image. `ready`: what /readyz asks. `count`: what it asked before. `check`: `countermark db check`.

Figures are medians of --times runs (`count` and `check`: of 3) in elapsed time, after one to warm up, with a warm file
cache. PostgreSQL is a server that the benchmark starts, with default settings except `fsync`, which is off: its writes
cost more on a disk. With --rows 10000000 the databases take about 12 GB each, one after the other.
"""

import argparse
import contextlib
import itertools
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, text

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.similarity import databases, disposing, fill_images, line, migrated, new_image, series, timed
from service.ledger.ledger import Ledger
from service.ledger.merkle import stored_count
from service.storage import condition_of

BATCH = 100_000
PAGE = 100
FEW = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    print("| | target | median | 99 of 100, or most |\n|---|---|---|---|")
    for database, address in databases():
        with address as url:
            measure(database, url, options.rows, options.times)


def measure(database: str, url: str, rows: int, times: int) -> None:
    migrated(url)
    with disposing(url) as engine:
        fill_images(engine, rows)
        fill_decisions(engine, rows)
    name = f"{database}: {rows:,} decisions,"
    images = itertools.count(rows)
    with contextlib.closing(Ledger.open(url)) as ledger:

        def told(what: str, work: Callable[[], object], runs: int = times) -> None:
            line(f"{name} {what}", "", timed(work, runs, time.perf_counter))

        told("issue", lambda: ledger.issue(new_image(next(images)), {}))
        told("decision", lambda: ledger.record("ledger", "benchmark", {}))
        told("page", lambda: ledger.latest(PAGE, random.randrange(PAGE, rows)))
        told("about", lambda: ledger.decided(subject(random.randrange(rows))))
        told("ready", ledger.ready)
        told("count", partial(count, url), FEW)
    line(f"{name} check", "", timed(partial(condition_of, url), FEW, time.perf_counter), "s")


def count(url: str) -> int:
    with disposing(url) as engine, engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def subject(number: int) -> str:
    return f"urn:benchmark:{number}"


def fill_decisions(engine: Engine, rows: int) -> None:
    """Decisions 1 to `rows`, and as many hashes as the tree over them has."""
    padded = "lpad(cast({} AS text), 64, '0')" if engine.dialect.name == "postgresql" else "printf('%064d', {})"
    for first in range(1, rows + 1, BATCH):
        insert(
            engine,
            "decisions (seq, at, kind, subject, body, previous, hash)",
            f"i, '2026-01-01T00:00:00.000+00:00', 'issued', 'urn:benchmark:' || i, '{{}}', "
            f"{padded.format('i - 1')}, {padded.format('i')}",
            first,
            min(first + BATCH - 1, rows),
        )
    nodes = stored_count(rows)
    zero = "decode(repeat('00', 32), 'hex')" if engine.dialect.name == "postgresql" else "zeroblob(32)"
    for first in range(0, nodes, BATCH):
        insert(engine, "merkle_nodes (number, hash)", f"i, {zero}", first, min(first + BATCH, nodes) - 1)


def insert(engine: Engine, table: str, values: str, first: int, last: int) -> None:
    with engine.begin() as connection:
        source = series(connection, first, last)
        connection.execute(text(f"INSERT INTO {table} SELECT {values} FROM {source}"))


if __name__ == "__main__":
    main()
