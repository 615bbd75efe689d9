"""What it costs to recognise an issued image, a blocked hash or a protected face, on one core.

    python benchmarks/similarity.py [--rows 1000000] [--look-ups 1000000] [--times 9] [--only PART ...]

`search`: random 256-bit hashes and random face embeddings (strangers lie about 1 apart) in the similarity index: a
query, one new row, one row removed, memory. `ledger`: so many issued images with random fingerprints; what a process
waits for when it first searches them, and later, also after another process has issued one. `blocklist`: the same with
so many random hashes on a list, for one image with all its variants. `look-ups`: a ledger with so many issued images,
asked for one by each of its keys, and for a file it did not issue. Manifests have 16 bytes instead of some 20,000. With
--look-ups 10000000 the databases take 5.5 GB (SQLite) and 7 GB (PostgreSQL) in the temporary folder, one after the
other.

Figures are medians of --times runs, or of 300 look-ups, after one to warm up: processor time for `search`, elapsed
time for the databases, with a warm file cache. PostgreSQL is a server that the benchmark starts, with default settings
except `fsync`; its figures are left out if it is not installed.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import contextlib
import datetime as dt
import itertools
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, create_engine, text

sys.path.insert(0, str(Path(__file__).parent.parent))

from detectors import DIMENSIONS, looks, variants
from service.ledger.ledger import MARK_BITS, Issue, Ledger
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import SimilarityIndex, face_index, hash_index
from service.moderation.blocklist import Blocklist
from service.moderation.hash_lists import Listed
from service.storage.tables import images
from tests.support import postgres
from tests.support.painter import landscape

PARTS = ("search", "ledger", "blocklist", "look-ups")
LIMIT_BITS, LIMIT_DISTANCE = 31, 0.6
NORM = 0.72  # strangers lie sqrt(2) norms apart: about 1, and nobody within LIMIT_DISTANCE
BATCH = 100_000
LOOK_UPS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--look-ups", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # children, the server among them, inherit it
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("| | target | median | 99 of 100, or most |\n|---|---|---|---|")
    if "search" in options.only:
        search_hashes(options.rows, options.times)
        search_faces(options.rows, options.times)
    measures: dict[str, tuple[Callable[[str, str, int, int], None], int]] = {
        "ledger": (issued_images, options.rows),
        "blocklist": (blocked_hashes, options.rows),
        "look-ups": (look_ups, options.look_ups),
    }
    for part, (measure, count) in measures.items():
        if part in options.only:
            for database, address in databases():
                with address as url:
                    measure(database, url, count, options.times)


def line(what: str, target: str, seconds: list[float], unit: str = "ms") -> None:
    scale = {"ms": 1000.0, "s": 1.0}[unit]
    high = sorted(seconds)[-1 - len(seconds) // 100]
    median = statistics.median(seconds)
    print(f"| {what} | {target} | {scale * median:.3g} {unit} | {scale * high:.3g} {unit} |", flush=True)


def timed(
    work: Callable[[], object], times: int, clock: Callable[[], float] = time.process_time, *, warm: bool = True
) -> list[float]:
    """Seconds of processor time, or by another clock: on a shared machine others take a part of the core."""
    if warm:
        work()
    taken = []
    for _ in range(times):
        began = clock()
        work()
        taken.append(clock() - began)
    return taken


def search_hashes(rows: int, times: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.integers(0, 256, (rows, 32), np.uint8)
    index = filled(hash_index(), rows, lambda start, stop: vectors[start:stop], "hashes")
    known, unknown = vectors[rows // 2].tobytes(), rng.bytes(32)
    name = f"{rows:,} hashes:"
    for query, what in ((known, "a copy"), (unknown, "nothing near")):
        found = timed(partial(index.snapshot.within, query, LIMIT_BITS, 5), times)
        line(f"{name} 5 nearest within {LIMIT_BITS} bits, {what}", "50 ms", found)
    changes(index, rows, vectors[:1], name, times)


def search_faces(rows: int, times: int) -> None:
    rng = np.random.default_rng(0)
    index = filled(face_index(), rows, lambda start, stop: faces(rng, stop - start), "faces")
    query = faces(rng, 1)
    name = f"{rows:,} faces:"
    line(
        f"{name} all within {LIMIT_DISTANCE}",
        "35 ms",
        timed(lambda: index.snapshot.within(query[0], LIMIT_DISTANCE), times),
    )
    words = np.concatenate([block.vectors.rows for block in index.snapshot.blocks]).view(np.uint64)
    line(f"{name} the floor: reading them from memory once", "", timed(words.max, times))
    changes(index, rows, query, name, times)


def faces(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
    vectors *= np.float32(NORM) / np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def filled(
    index: SimilarityIndex[Any], rows: int, vectors: Callable[[int, int], np.ndarray], what: str
) -> SimilarityIndex[Any]:
    """The index with `rows` rows, and a line that says what a row takes."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for start in range(0, rows, BATCH):
        stop = min(start + BATCH, rows)
        index.at(start, lambda _: Changes(np.arange(start, stop), vectors(start, stop)))  # noqa: B023 - called at once
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"| {rows:,} {what}: memory | | {(after - before) / rows:.1f} bytes a row | |", flush=True)
    return index


def changes(index: SimilarityIndex[Any], rows: int, vector: np.ndarray, name: str, times: int) -> None:
    counter = itertools.count(rows)
    none = np.empty(0, np.int64)

    def append() -> None:
        number = next(counter)
        index.at(number, lambda _: Changes(np.array([number]), vector))

    def remove() -> None:
        number = next(counter)
        index.at(number, lambda _: Changes(none, vector[:0], np.array([number * 7919 % rows])))

    line(f"{name} the next snapshot, one row new", "", timed(append, times))
    line(f"{name} the next snapshot, one row removed", "", timed(remove, times))


@contextlib.contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/ledger.db"


@contextlib.contextmanager
def own_postgresql() -> Iterator[str]:
    with postgres.server() as address, postgres.database(address) as url:
        yield url


@contextlib.contextmanager
def disposing(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def databases() -> Iterator[tuple[str, contextlib.AbstractContextManager[str]]]:
    yield "SQLite", sqlite()
    if postgres.WITHOUT_POSTGRESQL:
        print(f"| PostgreSQL | | {postgres.WITHOUT_POSTGRESQL} | |")
    else:
        yield "PostgreSQL", own_postgresql()


def issued_images(database: str, url: str, rows: int, times: int) -> None:
    migrated(url)
    with disposing(url) as engine:
        fill_images(engine, rows)
        known = fingerprint_of(engine, rows // 2)
    name, unknown = f"{database}: {rows:,} issued images,", os.urandom(32)
    cold(f"{name} first search", lambda ledger: ledger.similar(unknown, LIMIT_BITS), url, times)
    with contextlib.closing(Ledger.open(url)) as ledger, contextlib.closing(Ledger.open(url)) as elsewhere:
        numbers = itertools.count(rows)

        def after_another() -> float:
            elsewhere.issue(new_image(next(numbers)), {})
            (taken,) = timed(lambda: ledger.similar(unknown, LIMIT_BITS), 1, time.perf_counter, warm=False)
            return taken

        for query, what in ((unknown, "nothing near"), (known, "a copy")):
            taken = timed(partial(ledger.similar, query, LIMIT_BITS), times, time.perf_counter)
            line(f"{name} later, {what}", "50 ms", taken)
        line(f"{name} after another process issued one", "", [after_another() for _ in range(times)])


def blocked_hashes(database: str, url: str, rows: int, times: int) -> None:
    migrated(url)
    with disposing(url) as engine:
        fill_blocklist(engine, rows)
    name, rgb = f"{database}: {rows:,} blocked hashes,", landscape(1, 512, 512)
    cold(f"{name} first read", lambda ledger: Blocklist(ledger).load(), url, times)
    with contextlib.closing(Ledger.open(url)) as ledger:
        blocklist = Blocklist(ledger)
        found = timed(lambda: blocklist.match(rgb), times, time.perf_counter)
        line(f"{name} an image of 512 px that is not listed", "", found)
        line("of it, the hashes of its variants", "", timed(lambda: variants(rgb), times, time.perf_counter))
        blocklist.add([Listed("pdq", one.bits.hex()) for one in looks(rgb)[:1]], "benchmark", "benchmark")
        line(f"{name} the same, listed", "", timed(lambda: blocklist.match(rgb), times, time.perf_counter))


def cold(what: str, work: Callable[[Ledger], object], url: str, times: int) -> None:
    """What a new process waits for, and how much of that it computes."""

    def once() -> None:
        with contextlib.closing(Ledger.open(url)) as ledger:
            work(ledger)

    line(what, "5 s", timed(once, min(times, 5), time.perf_counter), "s")
    line(f"{what}, processor time of this process", "", timed(once, min(times, 5)), "s")


def migrated(url: str) -> None:
    Ledger.open(url).close()


def fingerprint_of(engine: Engine, number: int) -> bytes:
    with engine.connect() as connection:
        return bytes(connection.execute(text(f"SELECT fingerprint FROM images WHERE number = {number}")).scalar_one())


def new_image(number: int) -> Issue:
    return Issue(
        mark_id=(1 << MARK_BITS) - 1 - number,
        content_id=f"urn:uuid:new-{number}",
        created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        mime="image/png",
        width=1024,
        height=1024,
        sha256=f"{number:064}",
        fingerprint=os.urandom(32),
        fingerprint_quality=100,
        manifest=bytes(16),
        model="model",
        model_digest="a" * 64,
        seed=1,
        prompt_digest="b" * 64,
    )


def fill_blocklist(engine: Engine, rows: int) -> None:
    bits = {"sqlite": "lower(hex(randomblob(32)))", "postgresql": "encode(sha256(int8send(i)), 'hex')"}
    values = (
        f"i, 'benchmark', 'benchmark', 'pdq', {bits[engine.dialect.name]}, '', '2026-01-01T00:00:00+00:00', true, 1"
    )
    for first, last in batches(rows):
        with engine.begin() as connection:
            source = series(connection, first, last)
            columns = "id, list, source, kind, hash, reason, added_at, active, revision"
            connection.execute(text(f"INSERT INTO blocklist ({columns}) SELECT {values} FROM {source}"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE blocklist_revision SET revision = 1"))
        if engine.dialect.name == "postgresql":  # ids were given, so its sequence has not counted them
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('blocklist', 'id'), {rows})"))
        connection.execute(text("ANALYZE blocklist"))


def look_ups(database: str, url: str, rows: int, _times: int) -> None:
    migrated(url)
    began = time.perf_counter()
    with disposing(url) as engine:
        fill_images(engine, rows)
    print(f"| {database}: {rows:,} images written | | {time.perf_counter() - began:.0f} s | |", flush=True)
    ledger = Ledger.open(url)
    numbers = np.random.default_rng(0).integers(0, rows, LOOK_UPS).tolist()
    ways: dict[str, Callable[[int], object]] = {
        "mark id": lambda i: ledger.by_mark(i * (2**MARK_BITS // rows)),
        "SHA-256": lambda i: ledger.by_sha256(sha256(i, rows)),
        "content id": lambda i: ledger.by_content_id(content_id(i, rows)),
    }
    for way, look_up in ways.items():
        line(f"{database}: {rows:,} images, one by {way}", "5 ms", each(look_up, numbers, expected=True))
    taken = each(lambda i: ledger.by_sha256(sha256(i, rows)[::-1]), numbers, expected=False)
    line(f"{database}: {rows:,} images, an unknown SHA-256", "5 ms", taken)
    ledger.close()


def each(look_up: Callable[[int], object], numbers: list[int], *, expected: bool) -> list[float]:
    taken = []
    for number in numbers:
        began = time.perf_counter()
        found = look_up(number)
        taken.append(time.perf_counter() - began)
        assert (found is not None) == expected
    return taken[1:]


def sha256(number: int, rows: int) -> str:
    return f"{number * (2**63 // rows):016x}{'5a' * 24}"


def content_id(number: int, rows: int) -> str:
    digits = f"{number * (2**63 // rows):016x}"
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:]}-8000-000000000000"


def fill_images(engine: Engine, rows: int) -> None:
    """Keys that spread over their whole range and ascend: what random ones would be, written in minutes."""
    columns = ", ".join(column.name for column in images.columns)
    values = ", ".join(expression(column.name, engine, rows) for column in images.columns)
    for first, last in batches(rows):
        with engine.begin() as connection:
            source = series(connection, first, last)
            connection.execute(text(f"INSERT INTO images ({columns}) SELECT {values} FROM {source}"))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE images"))


def expression(column: str, engine: Engine, rows: int) -> str:
    """The SQL for a column of the image number `i`."""
    spread = f"i * {2**63 // rows}"
    digits, manifest, random_bits = {
        "sqlite": (f"printf('%016x', {spread})", "zeroblob(16)", "randomblob(32)"),
        "postgresql": (f"lpad(to_hex({spread}), 16, '0')", "decode(repeat('00', 16), 'hex')", "sha256(int8send(i))"),
    }[engine.dialect.name]
    parts = [f"substr({digits}, {first}, {length})" for first, length in ((1, 8), (9, 4), (13, 4))]
    uuid_digits = " || '-' || ".join(parts)
    return {
        "mark_id": f"i * {2**MARK_BITS // rows}",
        "number": "i + 1",
        "content_id": f"'urn:uuid:' || {uuid_digits} || '-8000-000000000000'",
        "created_at": "'2026-01-01T00:00:00+00:00'",
        "mime": "'image/png'",
        "width": "1024",
        "height": "1024",
        "sha256": f"{digits} || '{'5a' * 24}'",
        "fingerprint": random_bits,
        "fingerprint_quality": "100",
        "manifest": manifest,
        "model": "'stable-diffusion-v1-5'",
        "model_digest": f"'{'a' * 64}'",
        "seed": "i",
        "prompt_digest": f"'{'b' * 64}'",
    }[column]


def batches(rows: int) -> Iterator[tuple[int, int]]:
    for first in range(0, rows, 5 * BATCH):
        yield first, min(first + 5 * BATCH, rows) - 1


def series(connection: Connection, first: int, last: int) -> str:
    """A source of rows with one column `i`: `first` to `last`."""
    if connection.dialect.name == "postgresql":
        return f"generate_series({first}::bigint, {last}::bigint) AS numbers(i)"
    return (
        f"(WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers WHERE i < {last}) "
        "SELECT i FROM numbers)"
    )


if __name__ == "__main__":
    main()
