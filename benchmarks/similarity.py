"""What it costs to recognise an issued image, a blocked hash or a protected face, on one core.

    python benchmarks/similarity.py [--rows 1000000] [--look-ups 1000000] [--times 9] [--only PART ...]

`search`: random 256-bit hashes and random face embeddings (strangers lie about 1 apart) in the similarity index: a
query, one new row, one row removed, memory. `start`: as many hashes read from a database into an empty index.
`look-ups`: a ledger with so many issued images, asked for one by each of its keys, and for a file it did not issue.
The ledger's manifests have 16 bytes instead of some 20,000. With --look-ups 10000000 the databases take 5.5 GB
(SQLite) and 7 GB (PostgreSQL) in the temporary folder, one after the other.

Figures are medians of --times runs, or of 300 look-ups, after one to warm up: processor time for `search`, elapsed
time for the databases, with a warm file cache. PostgreSQL is a server that the benchmark starts, with default settings
except `fsync`; its figures are left out if it is not installed.
"""

import os

from tests.support.database import engine_of

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import contextlib
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

from detectors import DIMENSIONS
from service.ledger.ledger import MARK_BITS, Ledger
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import SimilarityIndex, face_index, hash_index
from service.storage.tables import images
from tests.support import postgres

PARTS = ("search", "start", "look-ups")
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
    for part, measure, count in (("start", start, options.rows), ("look-ups", look_ups, options.look_ups)):
        if part in options.only:
            for database, address in databases():
                with address as url:
                    measure(database, url, count, options.times)


def line(what: str, target: str, seconds: list[float], unit: str = "ms") -> None:
    scale = {"ms": 1000.0, "s": 1.0}[unit]
    high = sorted(seconds)[-1 - len(seconds) // 100]
    median = statistics.median(seconds)
    print(f"| {what} | {target} | {scale * median:.3g} {unit} | {scale * high:.3g} {unit} |", flush=True)


def timed(work: Callable[[], object], times: int, clock: Callable[[], float] = time.process_time) -> list[float]:
    """Seconds of processor time, or by another clock: on a shared machine others take a part of the core."""
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
        batch = Changes(np.arange(start, stop), vectors(start, stop))
        index.at(start, lambda _: batch)  # noqa: B023 - called at once
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


def databases() -> Iterator[tuple[str, contextlib.AbstractContextManager[str]]]:
    yield "SQLite", sqlite()
    if postgres.WITHOUT_POSTGRESQL:
        print(f"| PostgreSQL | | {postgres.WITHOUT_POSTGRESQL} | |")
    else:
        yield "PostgreSQL", own_postgresql()


def start(database: str, url: str, rows: int, times: int) -> None:
    engine = create_engine(url)
    binary = {"sqlite": "BLOB", "postgresql": "BYTEA"}[engine.dialect.name]
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE prints (id BIGINT PRIMARY KEY, print {binary} NOT NULL)"))
        fill_prints(connection, rows)
    with engine.connect() as connection:
        elapsed = timed(lambda: loaded(connection, rows), min(times, 5), time.perf_counter)
        processor = timed(lambda: loaded(connection, rows), min(times, 5))
    line(f"{database}: start with {rows:,} rows", "5 s", elapsed, "s")
    line(f"{database}: the same, processor time of this process", "", processor, "s")
    engine.dispose()


def fill_prints(connection: Connection, rows: int) -> None:
    one = {
        "sqlite": "randomblob(32)",
        "postgresql": "sha256(int8send(i))",
    }[connection.dialect.name]
    for first, last in batches(rows):
        connection.execute(text(f"INSERT INTO prints SELECT i, {one} FROM {series(connection, first, last)}"))


def loaded(connection: Connection, rows: int) -> None:
    index = hash_index()
    index.at(rows, lambda since: READ[connection.dialect.name](connection, since))
    assert len(index.snapshot) == rows


def read_sqlite(connection: Connection, since: int) -> Changes:
    """The driver's own tuples, few at a time: they stay in the cache, and the garbage collector sees few of them."""
    cursor = connection.connection.cursor()
    cursor.execute("SELECT id, print FROM prints WHERE id > ? ORDER BY id", (since,))
    ids, vectors = [], []
    while rows := cursor.fetchmany(500):
        numbers, prints = zip(*rows, strict=True)
        ids.append(np.array(numbers, np.int64))
        vectors.append(b"".join(prints))
    return joined(ids, vectors)


def read_postgresql(connection: Connection, since: int) -> Changes:
    """The server joins the rows of a batch, because the driver takes some 10 microseconds for each row it parses."""
    batch = text(
        "SELECT string_agg(int8send(id), ''::bytea), string_agg(print, ''::bytea) "
        f"FROM (SELECT id, print FROM prints WHERE id > :since ORDER BY id LIMIT {BATCH}) AS batch"
    )
    ids, vectors = [], []
    while (row := connection.execute(batch, {"since": since}).one())[0] is not None:
        numbers = np.frombuffer(row[0], ">i8").astype(np.int64)
        since = int(numbers.max())
        ids.append(numbers)
        vectors.append(row[1])
    return joined(ids, vectors)


def joined(ids: list[np.ndarray], vectors: list[bytes]) -> Changes:
    return Changes(
        np.concatenate([np.empty(0, np.int64), *ids]), np.frombuffer(b"".join(vectors), np.uint8).reshape(-1, 32)
    )


READ = {"sqlite": read_sqlite, "postgresql": read_postgresql}


def look_ups(database: str, url: str, rows: int, _times: int) -> None:
    ledger = Ledger.open(url)
    began = time.perf_counter()
    fill_images(engine_of(ledger), rows)
    print(f"| {database}: {rows:,} images written | | {time.perf_counter() - began:.0f} s | |", flush=True)
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, rows, LOOK_UPS).tolist()
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
    digits, blob = {
        "sqlite": (f"printf('%016x', {spread})", "zeroblob({0})"),
        "postgresql": (f"lpad(to_hex({spread}), 16, '0')", "decode(repeat('00', {0}), 'hex')"),
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
        "fingerprint": blob.format(32),
        "fingerprint_quality": "100",
        "manifest": blob.format(16),
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
