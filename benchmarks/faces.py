"""Accuracy of face comparison, and speed of face search.

    python benchmarks/faces.py --labelled DIR [--strangers DIR] [--model faces --model dlib]
    python benchmarks/faces.py --sizes DIR [--model faces --model dlib]
    python benchmarks/faces.py --turns DIR [--model faces --model dlib]
    python benchmarks/faces.py --quarter-turns DIR [--limit N]
    python benchmarks/faces.py --search

--labelled: each DIR/<person>/ holds images of one person, whose face is the largest in each image. --strangers adds a
folder with one image each of many other people, who form pairs of different people only; their false matches are also
counted in two halves, by the SHA-256 of the files, because the limits of the card were set on the first. Several models
are compared on the same pairs. --sizes: images reduced until the face has a size. --turns: how far heads are turned, in
images and in their mirrored copies, and how two models agree on it. --quarter-turns: how many faces are found again
after the image was turned, by one upright search and by four, the cost of both at 512 px, and the distance of a face to
its mirror image. --search: random templates, one core, medians; every result is compared with brute force in float64.
Prints Markdown.
"""

import argparse
import hashlib
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from detectors import FaceModel, Templates, at_all_turns, compare, distance, looks
from detectors.faces import DIMENSIONS, Face, FaceMatch, distances
from service.cli.search import is_wanted
from service.examiner.metrics import wilson
from service.kit.settings import Settings
from service.likeness.comparison import open_model
from service.likeness.liveness import FRONT, MIRRORED_BITS, POSES, TURNED, pose
from service.media.pictures import ImageLimits, decode
from service.moderation.hash_lists import LEAST_QUALITY

cv2.setNumThreads(1)

LIMITS = ImageLimits(max_bytes=32 << 20, max_pixels=64_000_000)
SHARES = (1.1, 0.95, 0.9, 0.8, 0.7)
FACE_SIZES = (128, 96, 64, 48, 40, 32, 24)
SIZES = (10_000, 100_000, 1_000_000)
RESAMPLES = 300


@dataclass(frozen=True)
class Sample:
    """The largest face of one image, and the person it belongs to."""

    person: str
    face: Face


@dataclass(frozen=True)
class FoundSamples:
    """For each image: the largest face or None, how many were found, and the seconds it took."""

    samples: list[Sample | None]
    counts: list[int]
    seconds: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path, help="a folder of images for each person")
    parser.add_argument("--strangers", type=Path, help="images of other people, one each")
    parser.add_argument("--turns", type=Path, help="images of turned heads")
    parser.add_argument("--quarter-turns", type=Path, dest="quarter", help="images with a face each")
    parser.add_argument("--limit", type=int, default=15, help="images for --quarter-turns")
    parser.add_argument("--search", action="store_true", help="time the search among random templates")
    parser.add_argument("--sizes", type=Path, help="images with a face each, to be reduced")
    parser.add_argument("--home", type=Path, help="the COUNTERMARK_HOME that the models are pulled into")
    parser.add_argument(
        "--model",
        action="append",
        choices=get_args(Settings.model_fields["face_model"].annotation),
        dest="models",
        help="the face model, as COUNTERMARK_FACE_MODEL; repeatable, and the first one alone for turns",
    )
    options = parser.parse_args()
    if not (options.labelled or options.sizes or options.turns or options.quarter or options.search):
        parser.error("give --labelled DIR, --sizes DIR, --turns DIR, --quarter-turns DIR or --search")
    settings = Settings(home=options.home) if options.home else Settings()
    choices = options.models or ["auto"]
    opened = [open_model(settings.model_copy(update={"face_model": choice})) for choice in choices]
    if options.labelled:
        compare_people(opened, options.labelled, options.strangers)
    if options.sizes:
        report_sizes(opened, options.sizes)
    if options.turns:
        report_turns(opened, options.turns)
    if options.quarter:
        report_quarter_turns(opened[0], images_in(options.quarter), options.limit)
    if options.search:
        time_search()


def compare_people(models: Sequence[FaceModel], labelled: Path, strangers: Path | None) -> None:
    """Every model on the same pairs: of the images in which each of them finds a face."""
    labels = [(path.parent.name, path) for path in images_in(labelled)]
    labels += [(f"stranger {path.name}", path) for path in images_in(strangers)] if strangers else []
    found = [find_faces(model, labels) for model in models]
    common = [all(each.samples[number] for each in found) for number in range(len(labels))]
    for model, each in zip(models, found, strict=True):
        counts, milliseconds = each.counts, statistics.median(each.seconds) * 1000
        spread = ", ".join(f"{counts.count(n)} with {n}" for n in sorted(set(counts)))
        print(f"\n## {model.identity}\n\nImages by number of faces found: {spread}. Median {milliseconds:.0f} ms.")
        samples = [sample for sample, here in zip(each.samples, common, strict=True) if sample and here]
        report_people(model, samples, [path for (_, path), here in zip(labels, common, strict=True) if here])


def report_people(model: FaceModel, samples: Sequence[Sample], paths: Sequence[Path]) -> None:
    people = np.unique([sample.person for sample in samples], return_inverse=True)[1]
    matrix = np.stack([sample.face.embedding for sample in samples])
    pair_distances = np.stack([distances(matrix, row) for row in matrix])
    first, second = np.triu_indices(len(samples), 1)
    same = people[first] == people[second]
    report_pairs(model, pair_distances[first, second], same, people[first], people[second])
    turned = np.abs([sample.face.turn for sample in samples])
    report_turned(model, pair_distances[first, second][same], np.maximum(turned[first], turned[second])[same])
    half = np.array([hashlib.sha256(path.read_bytes()).digest()[0] % 2 for path in paths])
    alone = np.array([sample.person.startswith("stranger ") for sample in samples])
    if alone.any():
        chosen = {name: alone & (half == part) for name, part in (("limits set on", 0), ("never used before", 1))}
        report_strangers(model, pair_distances, chosen)


def report_strangers(
    model: FaceModel, pair_distances: NDArray[np.float64], parts: dict[str, NDArray[np.bool_]]
) -> None:
    """False matches among the strangers, in two halves: the limits were set on one, and the other tells."""
    print("\n| strangers | people | pairs | distance at most | false matches | rate | 95 % |")
    print("|---|---|---|---|---|---|---|")
    for name, members in parts.items():
        far = pair_distances[np.ix_(members, members)][np.triu_indices(int(members.sum()), 1)]
        for limit in limits_of(model):
            hits = int((far <= limit).sum())
            low, high = wilson(hits, len(far))
            cells = f"{hits} | {hits / len(far):.6f} | {low:.6f} to {high:.6f}"
            print(f"| {name} | {members.sum()} | {len(far)} | {limit:.3g} | {cells} |")


def report_turned(model: FaceModel, same: NDArray[np.float64], turned: NDArray[np.float64]) -> None:
    """Pairs of one person, by the one of the two heads that is turned further (`Face.turn`)."""
    print("\n| the further turned head | pairs | true match rate |\n|---|---|---|")
    for low, high in itertools.pairwise((0.0, FRONT, TURNED, 0.15, 0.2, 9.0)):
        here = same[(turned >= low) & (turned < high)]
        rate = f"{(here <= model.threshold).mean():.3f}" if len(here) else ""
        print(f"| {low:g} to {high:g} | {len(here)} | {rate} |")


def limits_of(model: FaceModel) -> list[float]:
    """The distances to report: the model's own limits, and shares of its threshold."""
    own = (model.threshold, model.strict_threshold, model.review_distance)
    return sorted(
        {round(float(each), 3) for each in (*own, *(share * model.threshold for share in SHARES))}, reverse=True
    )


def report_sizes(models: Sequence[FaceModel], labelled: Path) -> None:
    """Whole images reduced until the face has a size: is it found, and is it the same as at full size?"""
    images = [decode(path.read_bytes(), LIMITS).rgb for path in images_in(labelled)]
    for model in models:
        print(f"\n## {model.identity}\n\n| size of the face, px | images | found | same person |\n|---|---|---|---|")
        whole = [(rgb, found[0]) for rgb, found in ((rgb, model(rgb)) for rgb in images) if found]
        for size in FACE_SIZES:
            larger = [(rgb, face) for rgb, face in whole if face.size > size]
            small = [(model(reduced(rgb, size / face.size)), face) for rgb, face in larger]
            hits = [min(compare(f.embedding, face.embedding) for f in faces) for faces, face in small if faces]
            same = sum(far <= model.threshold for far in hits)
            print(f"| {size} | {len(larger)} | {len(hits)} | {same} |", flush=True)


def reduced(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """A copy on grey of at least 320 px, so that a small face is small in the image as well."""
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    canvas = np.full((max(320, height), max(320, width), 3), 128, np.uint8)
    top, left = (canvas.shape[0] - height) // 2, (canvas.shape[1] - width) // 2
    canvas[top : top + height, left : left + width] = small
    return canvas


def images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and is_wanted(path))


def find_faces(model: FaceModel, labels: Sequence[tuple[str, Path]]) -> FoundSamples:
    """The largest face of each (person, file), the number of faces found in each file, and the seconds it took."""
    found = FoundSamples([], [], [])
    for person, path in labels:
        rgb = decode(path.read_bytes(), LIMITS).rgb
        start = time.perf_counter()
        faces = model(rgb)
        found.seconds.append(time.perf_counter() - start)
        found.counts.append(len(faces))
        found.samples.append(Sample(person, faces[0]) if faces else None)
    return found


def report_pairs(
    model: FaceModel,
    pair_distances: NDArray[np.float64],
    same: NDArray[np.bool_],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
) -> None:
    """AUC with a bootstrap over people; rates with Wilson intervals over pairs.

    The pairs are not independent (they share people and images), so the Wilson intervals are too narrow.
    """
    value = auc(pair_distances, same, np.ones(len(pair_distances)))
    low, high = auc_interval(pair_distances, same, first, second)
    count = len(np.unique([first, second]))
    print(f"\n{same.sum()} same-person pairs, {(~same).sum()} different-person pairs, {count} people")
    print(f"AUC {value:.4f} (95 % interval over people {low:.4f} to {high:.4f})\n")
    print("| distance at most | true match rate | 95 % | false match rate | 95 % |\n|---|---|---|---|---|")
    for limit in limits_of(model):
        cells = []
        for group in (pair_distances[same], pair_distances[~same]):
            hits = int((group <= limit).sum())
            low, high = wilson(hits, len(group))
            cells.append(f"{hits / len(group):.4f} | {low:.4f} to {high:.4f}")
        print(f"| {limit:.3g} | {' | '.join(cells)} |")


def auc(pair_distances: NDArray[np.float64], same: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Weighted probability that images of two people are further apart than two images of one person."""
    order = np.argsort(pair_distances, kind="stable")
    one = np.where(same, weights, 0)[order]
    two = np.where(same, 0, weights)[order]
    return float((np.cumsum(one) * two).sum() / (one.sum() * two.sum()))


def auc_interval(
    pair_distances: NDArray[np.float64], same: NDArray[np.bool_], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC: people, not pairs, are resampled."""
    rng = np.random.default_rng(0)
    people = int(max(first.max(), second.max())) + 1
    values: list[float] = []
    while len(values) < RESAMPLES:
        resampled = np.bincount(rng.integers(people, size=people), minlength=people).astype(np.float64)
        weights = np.where(same, resampled[first], resampled[first] * resampled[second])
        if (weights[same] > 0).any():
            values.append(auc(pair_distances, same, weights))
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def report_turns(models: Sequence[FaceModel], folder: Path) -> None:
    """`Face.turn` of the largest face, and PDQ of mirrored copies. The limits of likeness/liveness.py rest on both."""
    images = [decode(path.read_bytes(), LIMITS).rgb for path in images_in(folder)]
    for model in models:
        print(f"\n## {model.identity}\n")
        report_turns_of(model, images)
    if len(models) == 2:
        report_agreement(models[0], models[1], images)
    report_mirrors(images)


def report_agreement(model: FaceModel, other: FaceModel, images: Sequence[NDArray[np.uint8]]) -> None:
    """The least-squares slope of one model's turn over the other's, and how well they agree."""
    found = [(model(rgb), other(rgb)) for rgb in images]
    pairs = np.array([(one[0].turn, two[0].turn) for one, two in found if one and two])
    slope = float(pairs[:, 0] @ pairs[:, 1] / (pairs[:, 0] @ pairs[:, 0]))
    correlation = float(np.corrcoef(pairs.T)[0, 1])
    print(
        f"\nturn of {other.identity} = {slope:.3f} * turn of {model.identity}, correlation {correlation:.3f}, ", end=""
    )
    print(f"{len(pairs)} images")


def report_turns_of(model: FaceModel, images: Sequence[NDArray[np.uint8]]) -> None:
    found = [(model(rgb), model(rgb[:, ::-1])) for rgb in images]
    turns = np.array([(one[0].turn, other[0].turn) for one, other in found if one and other])
    turn, mirror_error = turns[:, 0], np.abs(turns.sum(axis=1))
    print(f"In {len(turns)} of {len(images)} images, a face was found both in the image and in its mirrored copy.")
    print("\n| | minimum | 5 % | median | 95 % | maximum |\n|---|---|---|---|---|---|")
    for title, values in (("turn", turn), ("absolute turn", np.abs(turn)), ("turn + turn when mirrored", mirror_error)):
        cells = " | ".join(f"{value:.3f}" for value in np.quantile(values, (0, 0.05, 0.5, 0.95, 1)))
        print(f"| {title} | {cells} |")
    print("\n| pose | images | mirrored: front | left | right | neither |\n|---|---|---|---|---|---|")
    for original in (*POSES, None):
        mirrored = [pose(b) for a, b in turns if pose(a) == original]
        cells = " | ".join(str(mirrored.count(one)) for one in (*POSES, None))
        print(f"| {original or 'neither'} | {len(mirrored)} | {cells} |")


def report_mirrors(images: Sequence[NDArray[np.uint8]]) -> None:
    """PDQ distances of the nearest views, as `liveness.mirrors` compares them."""
    upright, flipped = ([views(rgb) for rgb in ways] for ways in (images, [rgb[:, ::-1] for rgb in images]))
    pairs = list(itertools.permutations(range(len(images)), 2))
    bits = {
        "another image": [nearest(flipped[i], upright[j]) for i, j in pairs],
        "the image itself": [nearest(a, b) for a, b in zip(flipped, upright, strict=True)],
    }
    for name, alter in COPIES.items():
        copies = [views(alter(rgb[:, ::-1])) for rgb in images]
        bits[f"its mirrored copy, {name}"] = [nearest(a, b) for a, b in zip(flipped, copies, strict=True)]
    print(f"\n| mirrored image compared with | pairs | minimum | median | maximum | at most {MIRRORED_BITS} |")
    print("|---|---|---|---|---|---|")
    for title, values in bits.items():
        found = sum(value <= MIRRORED_BITS for value in values)
        print(f"| {title} | {len(values)} | {min(values)} | {statistics.median(values):g} | {max(values)} | {found} |")


def views(rgb: NDArray[np.uint8]) -> list[bytes]:
    return [look.bits for look in looks(np.ascontiguousarray(rgb)) if look.quality >= LEAST_QUALITY]


def nearest(some: Sequence[bytes], others: Sequence[bytes]) -> int:
    return min(distance(a, b) for a, b in itertools.product(some, others))


def recoded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    coded = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def trimmed(rgb: NDArray[np.uint8], left: float, right: float) -> NDArray[np.uint8]:
    """Cut the share `left` off the left and the top, and the share `right` off the right and the bottom."""
    height, width = rgb.shape[:2]
    return rgb[round(height * left) : round(height * (1 - right)), round(width * left) : round(width * (1 - right))]


COPIES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "JPEG 50": recoded,
    "half the size": lambda rgb: np.asarray(cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)),
    "5 % cut from every side": lambda rgb: trimmed(rgb, 0.05, 0.05),
    "2 % cut from every side": lambda rgb: trimmed(rgb, 0.02, 0.02),
    "5 % cut from two sides": lambda rgb: trimmed(rgb, 0.05, 0),
}


ANGLES = (0, 30, 37, 45, 53, 60, 90, 135, 180, 225, 270, 315)


def report_quarter_turns(model: FaceModel, paths: Sequence[Path], limit: int) -> None:
    """Of `limit` images, spread over the folder, those in which a face is found upright."""
    pictures = [decode(path.read_bytes(), LIMITS).rgb for path in paths[:: max(1, len(paths) // limit)][:limit]]
    upright = [(rgb, found[0]) for rgb, found in ((rgb, model(rgb)) for rgb in pictures) if found]
    print(f"{len(pictures)} images, {len(upright)} with a face when upright.\n")
    print("| turned by | found by one search | by four | median distance to the upright face | largest |")
    print("|---|---|---|---|---|")
    for angle in ANGLES:
        turned = [(rotated(rgb, angle), face) for rgb, face in upright]
        by_one = sum(bool(model(rgb)) for rgb, _ in turned)
        found = [(at_all_turns(model, rgb), face) for rgb, face in turned]
        far = [min(compare(f.embedding, face.embedding) for f in faces) for faces, face in found if faces]
        print(f"| {angle} | {by_one} | {len(far)} | {statistics.median(far):.3f} | {max(far):.3f} |", flush=True)
    mirrored = [(model(np.ascontiguousarray(rgb[:, ::-1])), face) for rgb, face in upright]
    far = [compare(faces[0].embedding, face.embedding) for faces, face in mirrored if faces]
    print(
        f"\nMirrored: {len(far)} found, at a median distance of {statistics.median(far):.2f}, at most {max(far):.2f}."
    )
    copies = [cv2.resize(rgb, (512, 512), interpolation=cv2.INTER_AREA) for rgb in pictures]
    one = [timed(lambda: model(rgb))[1] for rgb in copies]  # noqa: B023 - called at once
    four = [timed(lambda: at_all_turns(model, rgb))[1] for rgb in copies]  # noqa: B023
    print(f"At 512 px: median {statistics.median(one):.0f} ms upright, {statistics.median(four):.0f} ms at four turns.")


def rotated(rgb: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """The whole image, turned counter-clockwise, on black."""
    height, width = rgb.shape[:2]
    side = int(np.hypot(height, width)) + 2
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turn[:, 2] += ((side - width) / 2, (side - height) / 2)
    return np.asarray(cv2.warpAffine(rgb, turn, (side, side)), np.uint8)


def time_search(queries: int = 20) -> None:
    """Search random templates. Half of the queries are random; the others are close to a template, as a match is."""
    print("\n| templates | within 0.5, ms | nearest, ms | brute force float64, ms | equal to brute force |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(1)
    for size in SIZES:
        matrix = unit(rng.standard_normal((size, DIMENSIONS), dtype=np.float32))
        probes = unit(rng.standard_normal((queries, DIMENSIONS), dtype=np.float32))
        probes[::2] = unit(matrix[rng.integers(size, size=len(probes[::2]))] + np.float32(0.2) * probes[::2])
        templates = Templates(matrix)
        equal = 0
        times: tuple[list[float], list[float], list[float]] = ([], [], [])
        for embedding in probes:
            near, within = timed(lambda: templates.within(embedding, 0.5))  # noqa: B023 - called at once
            (best,), nearest = timed(lambda: templates.nearest(embedding))  # noqa: B023
            every, brute = timed(lambda: distances(matrix, embedding))  # noqa: B023
            hits = sorted((float(every[i]), int(i)) for i in np.flatnonzero(every <= 0.5))
            equal += near == [FaceMatch(i, d) for d, i in hits] and best == FaceMatch(
                int(every.argmin()), float(every.min())
            )
            for measured, value in zip(times, (within, nearest, brute), strict=True):
                measured.append(value)
        cells = " | ".join(f"{statistics.median(measured):.2f}" for measured in times)
        print(f"| {size:,} | {cells} | {equal} of {queries} |")


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
