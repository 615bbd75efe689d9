"""Robustness, quality and speed of the pixel watermark, and of other open ones beside it.

    python benchmarks/watermark.py [--photos DIR] [--out DIR] [--pictures N] [--peers N]

First table: every attack on ours, a column for each kind of picture. Second table, with --peers N: ours beside the
others on the same N photographs (see watermark_peers.py for what to install). --out writes both as CSV, and the second
as a chart. Times are CPU time of one core: run it with OMP_NUM_THREADS=1 (OpenCV is held to one thread here).
False readings: watermark_unmarked.py; security: watermark_security.py.
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

from benchmarks import watermark_pictures as pictures
from benchmarks.watermark_attacks import ATTACKS, Rgb
from benchmarks.watermark_chart import draw
from benchmarks.watermark_peers import Ours, Scheme, schemes
from watermark import Codec, Keyring

T = TypeVar("T")

FEW = (
    "none", "JPEG 75", "JPEG 30", "WebP 80", "resize .25", "resize .5, JPEG 70", "social (1080, JPEG 70)",
    "crop to 50 %", "crop to 25 %", "rotate 5", "flip", "aspect .75", "brightness +20 %",
)  # fmt: skip
"""Attacks on pictures of 16 megapixels, where each takes seconds."""
CROPS = (
    "none", "JPEG 30", "JPEG 15", "crop to 75 %", "crop to 50 %", "crop to 25 %", "crop to 50 %, aspect, JPEG 80",
    "rotate 3, crop to 64 %, JPEG 75", "rotate 7, crop to 64 %",
)  # fmt: skip
"""Attacks on photographs that nothing was tuned on: those that not every picture comes back from."""
BESIDE = (
    "none", "JPEG 75", "JPEG 50", "JPEG 30", "WebP 80", "resize .5 and back", "resize .25 and back",
    "social (1080, JPEG 70)", "screenshot (.73, gamma, JPEG 80)", "crop to 50 %", "rotate 5", "flip",
    "brightness +20 %", "grayscale", "noise 10", "30 % pasted over",
)  # fmt: skip
"""Attacks of the comparison: rivaGan takes two seconds for each reading."""


@dataclass(slots=True)
class Tally:
    """What was measured over one set of pictures; times in seconds."""

    pictures: int = 0
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    embed: list[float] = field(default_factory=list)
    hit: list[float] = field(default_factory=list)
    miss: list[float] = field(default_factory=list)
    exact: dict[str, int] = field(default_factory=dict)
    wrong: int = 0


def measured(scheme: Scheme, images: Iterable[Rgb], attacks: Sequence[str]) -> Tally:
    """Mark every picture, attack it in every way, read it back."""
    tally = Tally(exact=dict.fromkeys(attacks, 0))
    for number, rgb in enumerate(images):
        message = np.random.default_rng(1000 + number).integers(0, 2, scheme.bits).astype(np.uint8)
        seconds, marked = timed(partial(scheme.embed, rgb, message))
        tally.pictures += 1
        tally.embed.append(seconds)
        tally.miss.append(timed(partial(scheme.extract, rgb))[0])
        error = np.mean((rgb.astype(np.float32) - marked) ** 2)
        tally.psnr.append(float(10 * np.log10(255**2 / error)))
        tally.ssim.append(float(structural_similarity(rgb, marked, channel_axis=2, data_range=255)))
        for name in attacks:
            changed = ATTACKS[name](marked, np.random.default_rng(zlib.crc32(f"{name}{number}".encode())))
            seconds, bits = timed(partial(attempted, scheme, changed))
            same = bits is not None and np.array_equal(bits, message)
            tally.exact[name] += same
            tally.wrong += bits is not None and not same
            if name == "none":
                tally.hit.append(seconds)
    return tally


def attempted(scheme: Scheme, rgb: Rgb) -> np.ndarray | None:
    """What the scheme reads; one that cannot cope with a picture reads nothing."""
    try:
        return scheme.extract(rgb)
    except Exception as failed:  # noqa: BLE001 - other people's code, on pictures it was not made for
        print(f"{scheme.name}: {failed!r}", file=sys.stderr)
        return None


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def kinds(folder: Path | None, count: int) -> dict[str, tuple[Iterable[Rgb], Sequence[str]]]:
    """The columns of the first table: by name, pictures and attacks. `count` of each kind, three times as many of the
    photographs, four times of others."""
    every = tuple(ATTACKS)
    whole = len(list(pictures.photos(folder)))
    spread = slice(1, None, max(1, whole // count))

    def some(images: Iterable[Rgb]) -> Iterable[Rgb]:
        return islice(islice(images, spread.start, None, spread.step), count)

    def drawn(draw: Callable[[int, int], Rgb], side: int) -> Iterable[Rgb]:
        return (draw(seed, side) for seed in range(count))

    return {
        "photographs 512": (islice(pictures.photos(folder), 0, None, max(1, whole // (3 * count))), every),
        "other photographs 512": (islice(pictures.other_photos(folder), 4 * count), CROPS),
        "textures 512": (islice(pictures.textures(), count), every),
        "dark 512": (some(pictures.dark(folder)), every),
        "bright 512": (some(pictures.bright(folder)), every),
        "flat art 512": (drawn(pictures.flat, 512), every),
        "lines 512": (drawn(pictures.lines, 512), every),
        "photographs 256": (some(pictures.small_photos(folder)), every),
        "flat art 256": (drawn(pictures.flat, 256), every),
        "lines 256": (drawn(pictures.lines, 256), every),
        "photographs 128": (some(pictures.photos(folder, 128)), every),
        "flat art 128": (drawn(pictures.flat, 128), every),
        "photographs 4096": (islice(pictures.huge_photos(folder), min(count, 4)), FEW),
    }


def rows(tallies: dict[str, Tally], attacks: Sequence[str]) -> Iterator[list[str]]:
    """A table, a header row first; attacks that were left out are empty."""
    yield ["", *tallies]
    yield ["pictures", *(str(t.pictures) for t in tallies.values())]
    yield ["PSNR dB, mean", *(f"{np.mean(t.psnr):.1f}" for t in tallies.values())]
    yield ["PSNR dB, worst", *(f"{min(t.psnr):.1f}" for t in tallies.values())]
    yield ["SSIM, mean", *(f"{np.mean(t.ssim):.4f}" for t in tallies.values())]
    for label, times in (("embed", "embed"), ("extract, hit", "hit"), ("extract, miss", "miss")):
        yield [f"{label} ms, median", *(f"{1e3 * np.median(getattr(t, times)):.0f}" for t in tallies.values())]
    for name in attacks:
        yield [name, *(f"{t.exact[name] / t.pictures:.2f}" if name in t.exact else "" for t in tallies.values())]
    yield ["readings with a wrong id", *(str(t.wrong) for t in tallies.values())]


def shown(table: list[list[str]]) -> None:
    """`table` as Markdown."""
    for number, row in enumerate(table):
        print(f"| {' | '.join(row)} |")
        if number == 0:
            print("|---" * len(row) + "|")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs to use instead of the packages'")
    parser.add_argument(
        "--out", type=Path, help="folder for watermark.csv, watermark-peers.csv and watermark-peers.png"
    )
    parser.add_argument("--pictures", type=int, default=12, help="pictures of each kind, thrice the photographs (12)")
    parser.add_argument("--columns", nargs="+", metavar="NAME", help="these kinds of pictures alone: 'dark 512' ...")
    parser.add_argument("--peers", type=int, default=0, help="photographs of the comparison (default 0: none)")
    parser.add_argument("--only-peers", action="store_true", help="the comparison alone")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    tables = {}
    if not options.only_peers:
        sets = kinds(options.photos, options.pictures)
        ours = {}
        for name in options.columns or sets:
            ours[name] = measured(Ours(codec), *sets[name])
            print(f"measured: {name}", file=sys.stderr, flush=True)
        tables["watermark"] = list(rows(ours, tuple(ATTACKS)))
        shown(tables["watermark"])
    if options.peers:
        chosen = list(pictures.photos(options.photos))[:: max(1, 36 // options.peers)][: options.peers]
        beside = {scheme.name: measured(scheme, chosen, BESIDE) for scheme in schemes(codec)}
        tables["watermark-peers"] = list(rows(beside, BESIDE))
        shown(tables["watermark-peers"])
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            with (options.out / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows(table)
        if options.peers:
            draw(tables["watermark-peers"], BESIDE).save(options.out / "watermark-peers.png", optimize=True)


if __name__ == "__main__":
    main()
