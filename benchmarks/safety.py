"""How many ordinary photos each safety checker would refuse, and how long it takes.

    python benchmarks/safety.py --photos DIR [--limit N] [--by-folder]

Runs the checkers of a gateway with the current settings: ours, those that were pulled, those of the cards in
COUNTERMARK_HOME/cards, and the one in the COUNTERMARK_PIPELINE folder. Photos are sorted by SHA-256, so that --limit
takes a sample; identical files count once. With several checkers, the last row is the gateway's decision: it refuses if
any of them does. --by-folder: each direct subfolder is a kind of image, with a table of its own decisions. One core;
milliseconds are medians. Prints Markdown.
"""

import argparse
import hashlib
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.cli.search import is_wanted
from service.examiner.metrics import wilson
from service.gateway.assembly import open_checkers, open_folder_checker
from service.gateway.screening import Checker
from service.generation.diffusers.loading import EMBEDDED
from service.kit.settings import load_settings
from service.media.pictures import ImageLimits, decode

LIMITS = ImageLimits(max_bytes=64 << 20, max_pixels=64_000_000)
THRESHOLDS = (0.5, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos, searched recursively")
    parser.add_argument("--limit", type=int, help="use at most this many photos")
    parser.add_argument("--by-folder", action="store_true", help="tell the subfolders apart")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    checkers = gateway_checkers()
    paths = sample(options.photos, options.limit)
    if not paths:
        parser.error(f"no images in {options.photos}")
    scores, seconds = check(checkers, paths)
    print(f"{len(paths)} photos\n")
    print("| checker | " + " | ".join(f"flagged at {limit} | 95 %" for limit in THRESHOLDS) + " | ms/image |")
    print("|---" * (2 + 2 * len(THRESHOLDS)) + "|")
    for index, checker in enumerate(checkers):
        report(checker.name, scores[index], f"{statistics.median(seconds[index]) * 1000:.0f}")
    if len(checkers) > 1:
        report("any of them", scores.max(axis=0), f"{sum(map(statistics.median, seconds)) * 1000:.0f}")
    if options.by_folder:
        report_kinds(checkers, scores, [path.relative_to(options.photos).parts[0] for path in paths])


def report_kinds(checkers: Sequence[Checker], scores: NDArray[np.float64], kinds: Sequence[str]) -> None:
    """For each kind of image, how many each checker and all of them together flag at the first threshold."""
    limit = THRESHOLDS[0]
    names = " | ".join(f"{checker.name} at {limit}" for checker in checkers)
    print(f"\n| kind | images | {names} | any of them | 95 % |")
    print("|---" * (4 + len(checkers)) + "|")
    for kind in sorted(set(kinds)):
        here = scores[:, np.array(kinds) == kind]
        hits = int((here.max(axis=0) >= limit).sum())
        low, high = wilson(hits, here.shape[1])
        cells = " | ".join(str(int((row >= limit).sum())) for row in here)
        print(f"| {kind} | {here.shape[1]} | {cells} | {hits} ({hits / here.shape[1]:.2%}) | {low:.2%} to {high:.2%} |")


def gateway_checkers() -> list[Checker]:
    settings = load_settings().model_copy(update={"threads": 1})
    own = open_checkers(settings)
    if settings.pipeline == "embedded":
        return own
    folder = Path(settings.pipeline)
    if not folder.is_dir():
        sys.exit(f"COUNTERMARK_PIPELINE must be `embedded` ({EMBEDDED}) or a local folder, not {folder}")
    return own + open_folder_checker(settings, folder)


def sample(folder: Path, limit: int | None) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and is_wanted(path))
    unique = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in found}
    return [unique[digest] for digest in sorted(unique)][:limit]


def check(checkers: Sequence[Checker], paths: Sequence[Path]) -> tuple[NDArray[np.float64], list[list[float]]]:
    """Scores, float64[checkers, photos], and the seconds of each check."""
    scores = np.zeros((len(checkers), len(paths)))
    seconds: list[list[float]] = [[] for _ in checkers]
    for column, path in enumerate(paths):
        rgb = decode(path.read_bytes(), LIMITS).rgb
        for row, checker in enumerate(checkers):
            start = time.perf_counter()
            (finding,) = checker([rgb])
            seconds[row].append(time.perf_counter() - start)
            scores[row, column] = finding.score
    return scores, seconds


def report(name: str, scores: NDArray[np.float64], milliseconds: str) -> None:
    cells = []
    for limit in THRESHOLDS:
        hits = int((scores >= limit).sum())
        low, high = wilson(hits, len(scores))
        cells.append(f"{hits} ({hits / len(scores):.2%}) | {low:.2%} to {high:.2%}")
    print(f"| {name} | {' | '.join(cells)} | {milliseconds} |")


if __name__ == "__main__":
    main()
