"""What hash lists cost, and which copies they find, on one core.

    python benchmarks/blocklist.py [--entries 10000 100000 1000000] [--pictures N] [--side PX]

Random PDQ hashes are listed in a fresh SQLite database. `load` reads them all at the
start, `change` adds one hash and reads it, `one hash` compares one
hash with all, `whole check` is what the gateway does with a picture that is not listed: every variant of it.
The second table lists pictures (scikit-image's photographs) and asks for altered copies of them.
"""

import os

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

from detectors import fingerprint, looks, nearest, pack, variants
from service.blocklist import SAME_PICTURE_BITS, Blocklist
from service.hashlists import Listed
from service.ledger import Ledger
from tests.support.painter import landscape

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "camera")  # the ones that need no download


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--pictures", type=int, default=5)
    parser.add_argument("--side", type=int, default=512)
    wish = parser.parse_args()
    took = milliseconds(lambda: variants(landscape(0, wish.side, wish.side)), wish.pictures)
    print(f"hashing every variant of {wish.side} px: {took:.0f} ms\n")
    print("| entries | import s | load s | change ms | one hash ms | whole check ms |\n|---|---|---|---|---|---|")
    for entries in wish.entries:
        speed(entries, wish.pictures, wish.side)
    print()
    recall()


def speed(entries: int, pictures: int, side: int) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (entries, 32), np.uint8)
    listed = [Listed("pdq", row.tobytes().hex()) for row in raw]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        blocklist = Blocklist(ledger)
        imported = seconds(lambda: blocklist.add(listed, "benchmark", "random"))
        loaded = seconds(blocklist.load)
        rgb = landscape(1, side, side)
        hashes, wanted = pack([row.tobytes() for row in raw]), fingerprint(rgb).bits
        changed = milliseconds(lambda: _change(blocklist), pictures)
        one = milliseconds(lambda: nearest(hashes, wanted, SAME_PICTURE_BITS), pictures)
        whole = milliseconds(lambda: blocklist.match(rgb), pictures)
        ledger.close()
    print(f"| {entries:,} | {imported:.1f} | {loaded:.2f} | {changed:.0f} | {one:.2f} | {whole:.0f} |", flush=True)


def _change(blocklist: Blocklist) -> None:
    """One more entry, and the next look at the lists."""
    blocklist.add([Listed("pdq", os.urandom(32).hex())], "benchmark", "more")
    blocklist.load()


def recall() -> None:
    pictures = [colour(getattr(photos, name)()) for name in PHOTOS]
    print(
        f"| copy of {len(pictures)} photographs | found by the hash alone | found by our own listing |\n|---|---|---|"
    )
    for name, alter in ALTERED.items():
        alone = sum(found([fingerprint(rgb).bits], alter(rgb)) for rgb in pictures)
        ours = sum(found([look.bits for look in looks(rgb)], alter(rgb)) for rgb in pictures)
        print(f"| {name} | {alone} | {ours} |")


def found(listed: list[bytes], rgb: np.ndarray) -> bool:
    known = pack(listed)
    usable = (look for look in variants(rgb) if look.quality >= 50)
    return any(nearest(known, look.bits, SAME_PICTURE_BITS) for look in usable)


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
    "turned by 90 degrees, half size, JPEG 50": lambda rgb: jpeg(np.rot90(rgb)),
    "black frame, picture is 70 % of the side": frame(0.7),
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
    """The median of `times` runs after one that warms up."""
    work()
    return 1000 * statistics.median(seconds(work) for _ in range(times))


if __name__ == "__main__":
    main()
