"""The similarity index against libraries with an exact search, on one core.

    pip install faiss-cpu usearch numkong
    python benchmarks/similarity_libraries.py [--rows 1000000] [--times 9]

Every library finds the five nearest of random 256-bit hashes and of random 128-dimensional faces; numkong
only computes the distances. Medians of processor time. Libraries that are not installed are left out.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import contextlib
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.similarity import LIMIT_BITS, LIMIT_DISTANCE, faces, timed
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import face_index, hash_index

Search = Callable[[np.ndarray, np.ndarray], Callable[[], object]]
"""Takes rows (N x width) and a query (width,), and returns the work to measure."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=9)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rng = np.random.default_rng(0)
    print(f"| {options.rows:,} rows, five nearest, ms | 256-bit hashes | 128-dimensional faces |\n|---|---|---|")
    hashes = rng.integers(0, 256, (options.rows, 32), np.uint8)
    of_hashes = {name: measured(search, hashes, options.times) for name, search in HASHES.items()}
    del hashes
    embeddings = faces(rng, options.rows)
    of_faces = {name: measured(search, embeddings, options.times) for name, search in FACES.items()}
    for name in HASHES:
        print(f"| {name} | {of_hashes[name]} | {of_faces[name]} |")


def measured(search: Search, rows: np.ndarray, times: int) -> str:
    with contextlib.suppress(ImportError):
        taken = timed(search(rows, rows[len(rows) // 2].copy()), times)
        return f"{1000 * statistics.median(taken):.1f}"
    return "not installed"


def our_hashes(rows: np.ndarray, query: np.ndarray) -> Callable[[], object]:
    snapshot = hash_index().at(0, lambda _: Changes(np.arange(len(rows)), rows))
    return lambda: snapshot.within(query.tobytes(), LIMIT_BITS, 5)


def our_faces(rows: np.ndarray, query: np.ndarray) -> Callable[[], object]:
    snapshot = face_index().at(0, lambda _: Changes(np.arange(len(rows)), rows))
    return lambda: snapshot.within(query, LIMIT_DISTANCE, 5)


def faiss_hashes(rows: np.ndarray, query: np.ndarray) -> Callable[[], object]:
    import faiss

    index = faiss.IndexBinaryFlat(8 * rows.shape[1])
    index.add(rows)
    return lambda: index.search(query[None], 5)


def faiss_faces(rows: np.ndarray, query: np.ndarray) -> Callable[[], object]:
    import faiss

    index = faiss.IndexFlatL2(rows.shape[1])
    index.add(rows)
    return lambda: index.search(query[None], 5)


def usearch(metric: str) -> Search:
    def prepared(rows: np.ndarray, query: np.ndarray) -> Callable[[], object]:
        from usearch.index import MetricKind, search

        return lambda: search(rows, query, 5, getattr(MetricKind, metric), exact=True, threads=1)

    return prepared


def numkong(metric: str, dtype: str) -> Search:
    def prepared(rows: np.ndarray, query: np.ndarray) -> Callable[[], object]:
        import numkong

        return lambda: numkong.cdist(query.reshape(1, -1), rows, metric, dtype=dtype)

    return prepared


HASHES: dict[str, Search] = {
    "the index (NumPy)": our_hashes,
    "faiss, flat": faiss_hashes,
    "usearch, exact": usearch("Hamming"),
    "numkong": numkong("hamming", "uint1"),
}
FACES: dict[str, Search] = {
    "the index (NumPy)": our_faces,
    "faiss, flat": faiss_faces,
    "usearch, exact": usearch("L2sq"),
    "numkong": numkong("sqeuclidean", "float32"),
}


if __name__ == "__main__":
    main()
