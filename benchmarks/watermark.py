"""Robustness, quality and speed of the pixel watermark, also compared with other open ones.

    python benchmarks/watermark.py [--photos DIR] [--out DIR] [--pictures N] [--peers N] [--format 2] [--floor DB]

The first table shows every attack on ours, with a column for each kind of image. The second, with --peers N, compares
ours with the others on the same N photographs (watermark_peers.py says what to install). --out writes both as CSV, and
the second also as a chart. Times are CPU time of one core: set OMP_NUM_THREADS=1 (the script limits OpenCV itself).
For false readings, see watermark_unmarked.py; for security, watermark_security.py.
"""

import argparse
import csv
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from skimage.metrics import structural_similarity

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import watermark_pictures as sources
from benchmarks.watermark_attacks import ATTACKS, Rgb
from benchmarks.watermark_chart import draw_chart
from benchmarks.watermark_peers import Ours, Scheme, schemes
from watermark import Codec, Keyring
from watermark.tile import embedding

T = TypeVar("T")

LARGE_IMAGE_ATTACKS = (
    "none", "JPEG 75", "JPEG 30", "WebP 80", "resize .25", "resize .5, JPEG 70", "social (1080, JPEG 70)",
    "crop to 50 %", "crop to 25 %", "rotate 5", "flip", "aspect .75", "brightness +20 %",
)  # fmt: skip
"""Attacks on images of 16 megapixels, where each takes seconds."""
OTHER_PHOTO_ATTACKS = (
    "none", "JPEG 30", "JPEG 15", "crop to 75 %", "crop to 50 %", "crop to 25 %", "crop to 50 %, aspect, JPEG 80",
    "rotate 3, crop to 64 %, JPEG 75", "rotate 7, crop to 64 %",
)  # fmt: skip
"""Attacks on photographs that nothing was tuned on: those that not every image survives."""
PEER_ATTACKS = (
    "none", "JPEG 75", "JPEG 50", "JPEG 30", "WebP 80", "resize .5 and back", "resize .25 and back",
    "social (1080, JPEG 70)", "screenshot (.73, gamma, JPEG 80)", "crop to 50 %", "rotate 5", "flip",
    "brightness +20 %", "grayscale", "noise 10", "30 % pasted over",
)  # fmt: skip
"""Attacks of the comparison; few, because rivaGan takes two seconds for each reading."""


@dataclass(slots=True)
class Tally:
    """Measurements over one set of images; times in seconds."""

    images: int = 0
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    embed: list[float] = field(default_factory=list)
    hit: list[float] = field(default_factory=list)
    miss: list[float] = field(default_factory=list)
    exact: dict[str, int] = field(default_factory=dict)
    wrong: int = 0


def measure(scheme: Scheme, images: Iterable[Rgb], attacks: Sequence[str]) -> Tally:
    """Watermark every image, apply every attack, and read the watermark back."""
    tally = Tally(exact=dict.fromkeys(attacks, 0))
    for number, rgb in enumerate(images):
        message = np.random.default_rng(1000 + number).integers(0, 2, scheme.bits).astype(np.uint8)
        seconds, marked = timed(partial(scheme.embed, rgb, message))
        tally.images += 1
        tally.embed.append(seconds)
        tally.miss.append(timed(partial(scheme.extract, rgb))[0])
        error = np.mean((rgb.astype(np.float32) - marked) ** 2)
        tally.psnr.append(float(10 * np.log10(255**2 / error)))
        tally.ssim.append(float(structural_similarity(rgb, marked, channel_axis=2, data_range=255)))
        for name in attacks:
            changed = ATTACKS[name](marked, np.random.default_rng(zlib.crc32(f"{name}{number}".encode())))
            seconds, bits = timed(partial(try_extract, scheme, changed))
            same = bits is not None and np.array_equal(bits, message)
            tally.exact[name] += same
            tally.wrong += bits is not None and not same
            if name == "none":
                tally.hit.append(seconds)
    return tally


def try_extract(scheme: Scheme, rgb: Rgb) -> np.ndarray | None:
    """The bits that the scheme reads. None if it reads none, or fails on the image."""
    try:
        return scheme.extract(rgb)
    except Exception as failed:  # noqa: BLE001 - third-party code, on images it was not written for
        print(f"{scheme.name}: {failed!r}", file=sys.stderr)
        return None


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def image_sets(folder: Path | None, count: int) -> dict[str, tuple[Iterable[Rgb], Sequence[str]]]:
    """The columns of the first table: images and attacks by name.

    `count` images of each kind, but three times as many photographs and four times as many other photographs.
    """
    all_attacks = tuple(ATTACKS)
    total = len(list(sources.photos(folder)))
    spread = slice(1, None, max(1, total // count))

    def some(images: Iterable[Rgb]) -> Iterable[Rgb]:
        return islice(islice(images, spread.start, None, spread.step), count)

    def synthetic(draw_image: Callable[[int, int], Rgb], side: int) -> Iterable[Rgb]:
        return (draw_image(seed, side) for seed in range(count))

    return {
        "photographs 512": (islice(sources.photos(folder), 0, None, max(1, total // (3 * count))), all_attacks),
        "other photographs 512": (islice(sources.other_photos(folder), 4 * count), OTHER_PHOTO_ATTACKS),
        "textures 512": (islice(sources.textures(), count), all_attacks),
        "dark 512": (some(sources.dark(folder)), all_attacks),
        "bright 512": (some(sources.bright(folder)), all_attacks),
        "flat art 512": (synthetic(sources.flat, 512), all_attacks),
        "lines 512": (synthetic(sources.lines, 512), all_attacks),
        "photographs 256": (some(sources.small_photos(folder)), all_attacks),
        "flat art 256": (synthetic(sources.flat, 256), all_attacks),
        "lines 256": (synthetic(sources.lines, 256), all_attacks),
        "photographs 128": (some(sources.photos(folder, 128)), all_attacks),
        "flat art 128": (synthetic(sources.flat, 128), all_attacks),
        "photographs 4096": (islice(sources.huge_photos(folder), min(count, 4)), LARGE_IMAGE_ATTACKS),
    }


def rows(tallies: dict[str, Tally], attacks: Sequence[str]) -> Iterator[list[str]]:
    """The table, header row first. Attacks that were not run are empty."""
    yield ["", *tallies]
    yield ["images", *(str(t.images) for t in tallies.values())]
    yield ["PSNR dB, mean", *(f"{np.mean(t.psnr):.1f}" for t in tallies.values())]
    yield ["PSNR dB, worst", *(f"{min(t.psnr):.1f}" for t in tallies.values())]
    yield ["SSIM, mean", *(f"{np.mean(t.ssim):.4f}" for t in tallies.values())]
    for label, times in (("embed", "embed"), ("extract, hit", "hit"), ("extract, miss", "miss")):
        yield [f"{label} ms, median", *(f"{1e3 * np.median(getattr(t, times)):.0f}" for t in tallies.values())]
    for name in attacks:
        yield [name, *(f"{t.exact[name] / t.images:.2f}" if name in t.exact else "" for t in tallies.values())]
    yield ["readings with a wrong id", *(str(t.wrong) for t in tallies.values())]


def print_table(table: list[list[str]]) -> None:
    """Print `table` as Markdown."""
    for number, row in enumerate(table):
        print(f"| {' | '.join(row)} |")
        if number == 0:
            print("|---" * len(row) + "|")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs to use instead of the bundled ones")
    parser.add_argument(
        "--out", type=Path, help="folder for watermark.csv, watermark-peers.csv and watermark-peers.png"
    )
    parser.add_argument(
        "--pictures", type=int, default=12, help="images of each kind; three times as many photographs (12)"
    )
    parser.add_argument("--columns", nargs="+", metavar="NAME", help="only these columns, such as 'dark 512'")
    parser.add_argument("--peers", type=int, default=0, help="photographs in the comparison (default 0: none)")
    parser.add_argument("--only-peers", action="store_true", help="only the comparison")
    parser.add_argument(
        "--format", type=int, default=Codec.VERSION, help="format that is written (default: the newest)"
    )
    parser.add_argument(
        "--floor", type=float, default=embedding.MIN_PSNR_DB, help="least PSNR, in dB (default: the codec's own)"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    embedding.MIN_PSNR_DB = options.floor  # type: ignore[misc]  # to show what another floor costs
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"), version=options.format)
    tables = {}
    if not options.only_peers:
        sets = image_sets(options.photos, options.pictures)
        ours = {}
        for name in options.columns or sets:
            ours[name] = measure(Ours(codec), *sets[name])
            print(f"measured: {name}", file=sys.stderr, flush=True)
        tables["watermark"] = list(rows(ours, tuple(ATTACKS)))
        print_table(tables["watermark"])
    if options.peers:
        photos = list(sources.photos(options.photos))[:: max(1, 36 // options.peers)][: options.peers]
        compared = {scheme.name: measure(scheme, photos, PEER_ATTACKS) for scheme in schemes(codec)}
        tables["watermark-peers"] = list(rows(compared, PEER_ATTACKS))
        print_table(tables["watermark-peers"])
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            with (options.out / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows(table)
        if options.peers:
            draw_chart(tables["watermark-peers"], PEER_ATTACKS).save(options.out / "watermark-peers.png", optimize=True)


if __name__ == "__main__":
    main()
