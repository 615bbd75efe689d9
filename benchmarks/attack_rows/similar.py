"""An attack on the time of everybody: examinations of images that resemble nothing, against a long ledger.

    python benchmarks/attacks.py --only similar

Returns rows (name, before, after, held): `before` is what version 0.1 did.
"""

import contextlib
import os
import statistics
import tempfile
import time

from benchmarks.attack_rows import Row
from benchmarks.similarity import LIMIT_BITS, disposing, fill_images, migrated
from service.ledger.ledger import Ledger

ROWS = 100_000


def long_ledger() -> list[Row]:
    """100,000 issued images, none of which is like the one that is looked for."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        migrated(url)
        with disposing(url) as engine:
            fill_images(engine, ROWS)
        with contextlib.closing(Ledger.open(url)) as ledger:
            first = milliseconds(ledger)
            later = statistics.median(milliseconds(ledger) for _ in range(9))
    after = f"{later:.1f} ms (the first of a process {first:.0f} ms)"
    return [Row(f"a search of {ROWS:,} issued images", "1,500 ms each", after, later < 50)]


ATTACKS = (long_ledger,)


def milliseconds(ledger: Ledger) -> float:
    begun = time.perf_counter()
    ledger.similar(os.urandom(32), LIMIT_BITS)
    return 1000 * (time.perf_counter() - begun)
