"""What hash lists cost, and which copies they find, on one core.

    python benchmarks/blocklist.py [--entries 10000 100000 1000000] [--pictures N] [--side PX]
                                   [--photos DIR [--limit N]]

The first table lists random PDQ hashes in a new SQLite database. `load` reads them all into memory, `change` adds one
hash and brings memory up to date, `one hash` compares one hash with all of them, and `whole check` is what the gateway
does with an image that is not listed: it looks up every variant of it.

The second table lists images (scikit-image's photographs) and looks up altered copies of them: listed by the hash
alone, as others exchange them, by our `looks`, and by `listings`, which is what a notice with an image lists. The third
does the same with random cuts, ten of each image. With --photos, a fourth measures how near the hashes of different
images come: the first half is listed, and each of the second half is looked up in every variant.
"""

import os
from functools import partial

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data as photos

sys.path.insert(0, str(Path(__file__).parent.parent))

from detectors import Fingerprint, Hashes, fingerprint, listings, looks, variants
from service.cli.search import is_wanted
from service.ledger.ledger import Ledger
from service.media.pictures import ImageLimits, decode
from service.moderation.blocklist import SAME_PICTURE_BITS, Blocklist
from service.moderation.hash_lists import LEAST_QUALITY, Listed
from tests.support.painter import landscape

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "camera")  # the ones that need no download


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--pictures", type=int, default=5)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--limit", type=int, default=600)
    wish = parser.parse_args()
    took = milliseconds(lambda: variants(landscape(0, wish.side, wish.side)), wish.pictures)
    print(f"hashing every variant of {wish.side} px: {took:.0f} ms\n")
    print("| entries | import s | load s | change ms | one hash ms | whole check ms |\n|---|---|---|---|---|---|")
    for entries in wish.entries:
        speed(entries, wish.pictures, wish.side)
    print()
    pictures = [colour(getattr(photos, name)()) for name in PHOTOS]
    recall(pictures)
    print()
    random_cuts(pictures)
    if wish.photos:
        print()
        unlike(wish.photos, wish.limit)


def speed(entries: int, pictures: int, side: int) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (entries, 32), np.uint8)
    listed = [Listed("pdq", row.tobytes().hex()) for row in raw]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        blocklist = Blocklist(ledger)
        imported = seconds(lambda: blocklist.add(listed, "benchmark", "random"))
        loaded = seconds(blocklist.load)
        rgb = landscape(1, side, side)
        hashes, wanted = Hashes(raw), fingerprint(rgb).bits
        changed = milliseconds(lambda: _change(blocklist), pictures)
        one = milliseconds(lambda: hashes.matches(wanted, SAME_PICTURE_BITS), pictures)
        whole = milliseconds(lambda: blocklist.match(rgb), pictures)
        ledger.close()
    print(f"| {entries:,} | {imported:.1f} | {loaded:.2f} | {changed:.0f} | {one:.2f} | {whole:.0f} |", flush=True)


def _change(blocklist: Blocklist) -> None:
    """Add an entry, and bring the lists in memory up to date."""
    blocklist.add([Listed("pdq", os.urandom(32).hex())], "benchmark", "more")
    blocklist.load()


WAYS: dict[str, Callable[[np.ndarray], list[Fingerprint]]] = {
    "the hash alone": lambda rgb: [fingerprint(rgb)],
    "our looks": looks,
    "our listing": listings,
}


def recall(pictures: list[np.ndarray]) -> None:
    known = {way: [usable(make(rgb)) for rgb in pictures] for way, make in WAYS.items()}
    print(f"| copy of {len(pictures)} photographs | found by {' | '.join(WAYS)} |\n|---{'|---' * len(WAYS)}|")
    for name, alter in ALTERED.items():
        copies = [usable(variants(alter(rgb))) for rgb in pictures]
        print(f"| {name} | {' | '.join(str(hits(listed, copies)) for listed in known.values())} |")
    cost = {way: milliseconds(partial(make, pictures[0]), 5) for way, make in WAYS.items()}
    print(f"| hashes of an image | {' | '.join(str(known[way][0].shape[1]) for way in WAYS)} |")
    print(f"| ms of an image (512 px) | {' | '.join(f'{cost[way]:.0f}' for way in WAYS)} |")


def random_cuts(pictures: list[np.ndarray], each: int = 10) -> None:
    rng = np.random.default_rng(0)
    known = {way: [usable(make(rgb)) for rgb in pictures for _ in range(each)] for way, make in WAYS.items()}
    print(f"| {each} of each, JPEG 50, half size | found by {' | '.join(WAYS)} |\n|---{'|---' * len(WAYS)}|")
    for name, draw in CUTS.items():
        copies = [usable(variants(jpeg(cut(rgb, *draw(rng))))) for rgb in pictures for _ in range(each)]
        found = (f"{hits(listed, copies)} of {len(copies)}" for listed in known.values())
        print(f"| {name} | {' | '.join(found)} |", flush=True)


def cut(rgb: np.ndarray, top: float, bottom: float, left: float, right: float) -> np.ndarray:
    """The rest of the image when these shares of its sides are cut."""
    height, width = rgb.shape[:2]
    return rgb[round(height * top) : round(height * (1 - bottom)), round(width * left) : round(width * (1 - right))]


def one_side(rng: np.random.Generator) -> tuple[float, ...]:
    return tuple(rng.permutation([rng.uniform(0, 0.2), 0, 0, 0]))


def two_sides(rng: np.random.Generator) -> tuple[float, ...]:
    share, part = rng.uniform(0, 0.2), rng.uniform()
    pair = (share * part, share * (1 - part))
    return (*pair, 0, 0) if rng.integers(2) else (0, 0, *pair)


def same_shape(least: float, most: float) -> Callable[[np.random.Generator], tuple[float, ...]]:
    def draw(rng: np.random.Generator) -> tuple[float, ...]:
        share, down, across = rng.uniform(least, most), rng.uniform(), rng.uniform()
        return share * down, share * (1 - down), share * across, share * (1 - across)

    return draw


CUTS: dict[str, Callable[[np.random.Generator], tuple[float, ...]]] = {
    "one side, up to 20 %": one_side,
    "two opposite sides, up to 20 % together": two_sides,
    "of the same shape, up to 10 % of each direction": same_shape(0, 0.1),
    "of the same shape, 10 to 20 % of each direction": same_shape(0.1, 0.2),
    "four sides, up to 10 % each": lambda rng: tuple(rng.uniform(0, 0.1, 4)),
}


def unlike(folder: Path, limit: int) -> None:
    """How near the hashes of different images come, for each way of listing."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and is_wanted(path))[:limit]
    half = len(paths) // 2
    asked = [usable(variants(read(path))) for path in paths[half:]]
    every = np.concatenate(asked, axis=1)
    print(f"| {half} photographs listed, {len(asked)} others asked | hashes | nearest, bits | within 31 | 48 | 64 |")
    print("|---|---|---|---|---|---|")
    for way, make in WAYS.items():
        listed = [usable(make(read(path))) for path in paths[:half]]
        nearest_of = np.array([[_between(one, other) for other in asked] for one in listed if one.size])
        counts = " | ".join(str(int((nearest_of <= limit).sum())) for limit in (SAME_PICTURE_BITS, 48, 64))
        hashes = sum(one.shape[1] for one in listed)
        print(f"| by {way} | {hashes:,} x {every.shape[1]:,} | {nearest_of.min()} | {counts} |", flush=True)


def _between(one: np.ndarray, other: np.ndarray) -> int:
    """The smallest distance between two sets of hashes (uint64, 4 x N); 256 if one is empty."""
    apart = np.bitwise_count(one[:, :, None] ^ other[:, None, :]).sum(axis=0, dtype=np.uint16)
    return int(apart.min(initial=256))


def read(path: Path) -> np.ndarray:
    return decode(path.read_bytes(), ImageLimits(1 << 26, 64_000_000)).rgb


def usable(found: list[Fingerprint]) -> np.ndarray:
    """The hashes of sufficient quality, one a column: uint64, 4 x N."""
    bits = b"".join(one.bits for one in found if one.quality >= LEAST_QUALITY)
    return np.ascontiguousarray(np.frombuffer(bits, np.uint64).reshape(-1, 4).T)


def hits(listed: list[np.ndarray], copies: list[np.ndarray]) -> int:
    return sum(_between(one, copy) <= SAME_PICTURE_BITS for one, copy in zip(listed, copies, strict=True))


def crop(share: float) -> Callable[[np.ndarray], np.ndarray]:
    def alter(rgb: np.ndarray) -> np.ndarray:
        down, across = (round(side * (1 - share) / 2) for side in rgb.shape[:2])
        return rgb[down : rgb.shape[0] - down, across : rgb.shape[1] - across]

    return alter


def frame(share: float) -> Callable[[np.ndarray], np.ndarray]:
    def alter(rgb: np.ndarray) -> np.ndarray:
        down, across = (round(side * (1 / share - 1) / 2) for side in rgb.shape[:2])
        return np.pad(rgb, ((down, down), (across, across), (0, 0)))

    return alter


def jpeg(rgb: np.ndarray) -> np.ndarray:
    out = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.resize((image.width // 2, image.height // 2)).save(out, "JPEG", quality=50)
    return np.asarray(Image.open(out))


ALTERED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "half size, JPEG 50": jpeg,
    "mirrored, half size, JPEG 50": lambda rgb: jpeg(rgb[:, ::-1]),
    "rotated by 90 degrees, half size, JPEG 50": lambda rgb: jpeg(np.rot90(rgb)),
    "black frame, image is 70 % of the side": frame(0.7),
    **{f"central crop, {share:.0%} of the side": crop(share) for share in (0.98, 0.95, 0.9, 0.85, 0.8, 0.7)},
    "left upper crop, 90 % of the side": lambda rgb: rgb[: round(rgb.shape[0] * 0.9), : round(rgb.shape[1] * 0.9)],
}


def colour(picture: np.ndarray) -> np.ndarray:
    return np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The median of `times` runs, after one to warm up."""
    work()
    return 1000 * statistics.median(seconds(work) for _ in range(times))


if __name__ == "__main__":
    main()
