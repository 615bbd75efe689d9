"""Robustness, quality and speed of the pixel watermark.

    python benchmarks/watermark.py [--photos DIR] [--out DIR] [--unmarked N]

Photographs are 512 x 512 crops of scikit-image's bundled ones (or of the images in --photos); flat pictures are drawn
at 256 x 256, the size the small image model works at. Prints Markdown; --out also writes the table as CSV.
Times are of one core: run it with OMP_NUM_THREADS=1 (OpenCV is held to one thread here).
"""

import argparse
import csv
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image, ImageDraw
from skimage import data
from skimage.metrics import structural_similarity

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import ATTACKS, Rgb, cropped, sized
from watermark import Codec, Keyring
from watermark.codec import MAX_ATTEMPTS

T = TypeVar("T")

PHOTO_SIDE, DRAWN_SIDE = 512, 256
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "stereo_motorcycle", "camera", "retina", "coins", "moon", "page")
"""Bundled with scikit-image: nothing is downloaded."""
CROPS_PER_PHOTO = 3
DRAWN = 24


@dataclass(slots=True)
class Tally:
    """What was measured over one set of pictures; times in seconds."""

    pictures: int = 0
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    embed: list[float] = field(default_factory=list)
    hit: list[float] = field(default_factory=list)
    miss: list[float] = field(default_factory=list)
    exact: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ATTACKS, 0))
    wrong: int = 0


def photos(folder: Path | None) -> Iterator[Rgb]:
    """512 x 512 crops: corners and middle of every photograph, enlarged first if it is smaller than that."""
    if folder is None:
        pictures = [getattr(data, name)() for name in PHOTOS]
    else:
        pictures = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir())]
    for picture in pictures:
        plain = picture[0] if isinstance(picture, tuple) else picture
        rgb = np.repeat(plain[..., None], 3, axis=2) if plain.ndim == 2 else plain[..., :3]
        factor = max(1.0, PHOTO_SIDE / min(rgb.shape[:2]))
        rgb = sized(rgb, max(PHOTO_SIDE, round(rgb.shape[1] * factor)), max(PHOTO_SIDE, round(rgb.shape[0] * factor)))
        free = [side - PHOTO_SIDE for side in rgb.shape[:2]]
        corners = dict.fromkeys((share * free[0] // 2, share * free[1] // 2) for share in range(CROPS_PER_PHOTO))
        for top, left in corners:
            yield rgb[top : top + PHOTO_SIDE, left : left + PHOTO_SIDE].copy()


def drawn(seed: int, side: int = DRAWN_SIDE) -> Rgb:
    """A cartoon: a plain or graded ground and a few flat shapes, drawn at four times the size for smooth edges."""
    chance = np.random.default_rng(seed)
    big = 4 * side
    colours = chance.integers(20, 256, (16, 3))
    if seed % 2:
        canvas = Image.new("RGB", (big, big), tuple(colours[0]))
    else:
        ramp = np.linspace(0, 1, big)[:, None, None]
        graded = np.repeat(colours[0] * (1 - ramp) + colours[1] * ramp, big, axis=1)
        canvas = Image.fromarray(graded.astype(np.uint8))
    pen = ImageDraw.Draw(canvas)
    if seed % 3:
        pen.rectangle((0, int(big * chance.uniform(0.55, 0.75)), big, big), fill=tuple(colours[2]))
    for number, colour in enumerate(colours[3 : 5 + seed % 8]):
        x, y = chance.uniform(0.1, 0.9, 2) * big
        wide, high = chance.uniform(0.03, 0.3 if number else 0.45, 2) * big
        shape = pen.ellipse if chance.random() < 0.6 else pen.rectangle
        shape((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2), fill=tuple(colour))
    return np.asarray(canvas.resize((side, side), Image.Resampling.LANCZOS))


def measured(codec: Codec, pictures: Iterator[Rgb]) -> Tally:
    """Mark every picture, attack it in every way, read it back."""
    tally = Tally()
    for number, rgb in enumerate(pictures):
        mark_id = int(np.random.default_rng(1000 + number).integers(1 << 48))
        seconds, marked = timed(lambda rgb=rgb, mark_id=mark_id: codec.embed(rgb, mark_id))
        tally.pictures += 1
        tally.embed.append(seconds)
        tally.miss.append(timed(lambda rgb=rgb: codec.extract(rgb))[0])
        error = np.mean((rgb.astype(np.float64) - marked) ** 2)
        tally.psnr.append(float(10 * np.log10(255**2 / error)))
        tally.ssim.append(float(structural_similarity(rgb, marked, channel_axis=2, data_range=255)))
        for name, attack in ATTACKS.items():
            changed = attack(marked, np.random.default_rng(zlib.crc32(f"{name}{number}".encode())))
            seconds, reading = timed(lambda changed=changed: codec.extract(changed))
            tally.exact[name] += reading is not None and reading.mark_id == mark_id
            tally.wrong += reading is not None and reading.mark_id != mark_id
            if name == "none":
                tally.hit.append(seconds)
    return tally


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def false_positives(codec: Codec, count: int) -> tuple[int, float]:
    """Readings in `count` unmarked crops of random size and place, and the seconds one takes (median)."""
    chance = np.random.default_rng(7)
    sources = [*photos(None), *(drawn(seed, PHOTO_SIDE) for seed in range(100, 110))]
    found, seconds = 0, []
    for number in range(count):
        crop = cropped(sources[number % len(sources)], float(chance.uniform(0.2, 1.0)), chance, 0.3)
        took, reading = timed(lambda crop=crop: codec.extract(crop))
        found += reading is not None
        seconds.append(took)
    return found, float(np.median(seconds))


def rows(tallies: dict[str, Tally]) -> Iterator[list[str]]:
    """The table, a header row first."""
    yield ["", *tallies]
    yield ["pictures", *(str(t.pictures) for t in tallies.values())]
    yield ["PSNR dB, mean (worst)", *(f"{np.mean(t.psnr):.1f} ({min(t.psnr):.1f})" for t in tallies.values())]
    yield ["SSIM, mean (worst)", *(f"{np.mean(t.ssim):.4f} ({min(t.ssim):.4f})" for t in tallies.values())]
    for label, times in (("embed", "embed"), ("extract, hit", "hit"), ("extract, miss", "miss")):
        yield [f"{label} ms, median", *(f"{1e3 * np.median(getattr(t, times)):.0f}" for t in tallies.values())]
    for name in ATTACKS:
        yield [name, *(f"{t.exact[name] / t.pictures:.3f}" for t in tallies.values())]
    yield ["readings with a wrong id", *(str(t.wrong) for t in tallies.values())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs to use instead of scikit-image's")
    parser.add_argument("--out", type=Path, help="folder for watermark.csv")
    parser.add_argument("--unmarked", type=int, default=500, help="unmarked crops to read (default 500)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    tallies = {
        "photos 512": measured(codec, photos(options.photos)),
        "drawn 256": measured(codec, (drawn(seed) for seed in range(DRAWN))),
    }
    table = list(rows(tallies))
    for number, row in enumerate(table):
        print(f"| {' | '.join(row)} |")
        if number == 0:
            print("|---" * len(row) + "|")
    found, seconds = false_positives(codec, options.unmarked)
    print(
        f"\nUnmarked crops read as marked: {found} of {options.unmarked} "
        f"(at most {MAX_ATTEMPTS} attempts each, bound {MAX_ATTEMPTS * 2.0**-32:.1e}); "
        f"{1e3 * seconds:.0f} ms each, median."
    )
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with (options.out / "watermark.csv").open("w", newline="") as file:
            csv.writer(file).writerows(table)


if __name__ == "__main__":
    main()
