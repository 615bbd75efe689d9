"""Attacks on the watermark without its key: folding, averaging, copying and denoising, for both formats in one run.

    python benchmarks/watermark_security.py [--pictures 40] [--victims 10] [--formats 1 2] [--only forging removing]

Forging: the attacker takes the mark of one marked image, or of ten, and adds it to photographs that carry none: by
folding at the tile's size, which is public, or by copying what a denoiser removes. Removing: the attacker subtracts
the fold of the marked image from itself. Averaging: the attacker has N marked images, takes the mean of their folds
as the pattern, and subtracts it from other images at three strengths, with one key and with a pool. Denoising: filters
that remove the watermark, and the quality that they leave. The images are 512 px crops of photographs that come with
packages (see watermark_pictures.py).
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_wavelet

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, clipped, cropped, jpeg, sized
from benchmarks.watermark_pictures import other_photos, photos
from detectors import fingerprint
from service.examiner.policy import same_image
from watermark import Codec, Keyring
from watermark.tile.canvas import SHORT_SIDE, folded, luma, resized, whitened
from watermark.tile.keyring import DEFAULT_POOL
from watermark.tile.pattern import BAND, TILE

SECRET = b"benchmark keyring, not for use"
COUNTS = (10, 50, 200)
STRENGTHS = (1.0, 2.0, 3.0)
"""RMS of the subtracted pattern, in grey levels."""
DENOISERS: dict[str, Callable[[Rgb], Rgb]] = {
    "median 5": lambda x: cv2.medianBlur(x, 5),
    "bilateral 9, 50": lambda x: cv2.bilateralFilter(x, 9, 50, 5),
    "non-local means, h 5": lambda x: cv2.fastNlMeansDenoisingColored(x, None, 5, 5, 5, 15),
    "non-local means, h 10": lambda x: cv2.fastNlMeansDenoisingColored(x, None, 10, 10, 5, 15),
    "wavelets, sigma 5": lambda x: clipped(255 * denoise_wavelet(x / 255, 5 / 255, channel_axis=2)),
    "wavelets, sigma 10": lambda x: clipped(255 * denoise_wavelet(x / 255, 10 / 255, channel_axis=2)),
    "blur 3 and sharpen": lambda x: sharpened(cv2.GaussianBlur(x, (0, 0), 3.0)),
    "quarter size and back, JPEG 30": lambda x: jpeg(sized(sized(x, 128, 128), 512, 512), 30),
    "eighth size and back": lambda x: sized(sized(x, 64, 64), 512, 512),
}


COPIERS: dict[str, Callable[[Rgb], Rgb]] = {
    "bilateral 5, 25": lambda x: cv2.bilateralFilter(x, 5, 25, 3),
    "non-local means, h 4": lambda x: cv2.fastNlMeansDenoisingColored(x, None, 4, 4, 5, 15),
    "non-local means, h 10": lambda x: cv2.fastNlMeansDenoisingColored(x, None, 10, 10, 5, 15),
    "wavelets, sigma 3": lambda x: clipped(255 * denoise_wavelet(x / 255, 3 / 255, channel_axis=2)),
}
FOLDS = (1, 10)
REMOVALS = (1.0, 1.5, 2.0, 2.5, 3.0)
"""RMS of the fold that is subtracted, in grey levels."""
FORGED_STRENGTH = 2.0
ATTACKS = ("forging", "removing", "averaging", "denoising")


def sharpened(rgb: Rgb) -> Rgb:
    return clipped(rgb + 1.0 * (rgb.astype(np.float32) - cv2.GaussianBlur(rgb, (0, 0), 3.0)))


def crops(count: int, seed: int) -> list[Rgb]:
    """Different 512 x 512 views of the photographs: random crops of half the area, enlarged."""
    rng, sources = np.random.default_rng(seed), list(photos())
    return [sized(cropped(sources[number % len(sources)], 0.5, rng), 512, 512) for number in range(count)]


def estimated(marked: list[Rgb]) -> np.ndarray:
    """The pattern that the images share at the period of the tile, in the mark's band: float32[64, 64], RMS 1."""
    total = np.zeros((TILE, TILE), np.float32)
    for rgb in marked:
        total += folded(whitened(resized(luma(rgb), SHORT_SIDE, SHORT_SIDE)))
    frequency = np.fft.fftfreq(TILE, 1 / TILE)
    radius = np.hypot(frequency[:, None], frequency)
    kept = (radius >= BAND[0]) & (radius <= BAND[1])
    total = np.fft.ifft2(np.fft.fft2(total) * kept).real.astype(np.float32)
    result: np.ndarray = total / total.std()
    return result


def subtracted(rgb: Rgb, tile: np.ndarray, strength: float) -> Rgb:
    repeated = np.tile(tile, (SHORT_SIDE // TILE, SHORT_SIDE // TILE)).astype(np.float32)
    layer = cv2.resize(repeated, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    pattern: NDArray[np.float32] = layer[..., None] * np.float32(strength / layer.std())
    return clipped(rgb - pattern)


def copied(source: Rgb, target: Rgb, denoise: Callable[[Rgb], Rgb]) -> Rgb:
    """`target` plus what a denoiser removes from `source`."""
    residual: NDArray[np.float32] = source.astype(np.float32) - denoise(source).astype(np.float32)
    return clipped(target + residual)


def reads(codec: Codec, rgb: Rgb, mark_id: int) -> bool:
    reading = codec.extract(np.ascontiguousarray(rgb))
    return reading is not None and reading.mark_id == mark_id


def psnr(one: Rgb, other: Rgb) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float32) - other) ** 2)))


def forging(codec: Codec, version: int, marked: list[Rgb], targets: list[Rgb]) -> None:
    """How often a mark that was put on an unmarked photograph is read there."""
    count = len(marked)
    attempts: dict[str, list[Rgb]] = {}
    for number in FOLDS:
        groups = [[marked[(first + step) % count] for step in range(number)] for first in range(count)]
        tiles = [estimated(group) for group in groups]
        attempts[f"folding {number}"] = [
            subtracted(target, tile, -FORGED_STRENGTH) for target, tile in zip(targets, tiles, strict=True)
        ]
    for name, denoise in COPIERS.items():
        pairs = zip(marked, targets, strict=True)
        attempts[f"copying, {name}"] = [copied(source, target, denoise) for source, target in pairs]
    for name, forged in attempts.items():
        readings = [(number, codec.extract(np.ascontiguousarray(rgb))) for number, rgb in enumerate(forged)]
        read = [(number, reading.mark_id) for number, reading in readings if reading is not None]
        pairs_of_looks = [(fingerprint(forged[number]), fingerprint(marked[mark])) for number, mark in read]
        passed = sum(same_image(query, issued.bits, issued.quality) is not False for query, issued in pairs_of_looks)
        quality = np.mean([psnr(rgb, target) for rgb, target in zip(forged, targets, strict=True)])
        print(f"| {version} | {name} | {quality:.1f} | {len(read)} of {count} | {passed} |", flush=True)


def removing(codec: Codec, version: int, marked: list[Rgb]) -> None:
    """How many marks are left after the fold of one image is subtracted from it, and after a crop to 75 % besides."""
    tiles = [estimated([rgb]) for rgb in marked]
    for strength in REMOVALS:
        after = [subtracted(rgb, tile, strength) for rgb, tile in zip(marked, tiles, strict=True)]
        left = sum(reads(codec, rgb, number) for number, rgb in enumerate(after))
        parts = [cropped(rgb, 0.75, np.random.default_rng(number)) for number, rgb in enumerate(after)]
        in_parts = sum(reads(codec, rgb, number) for number, rgb in enumerate(parts))
        quality = np.mean([psnr(rgb, before) for rgb, before in zip(after, marked, strict=True)])
        print(f"| {version} | {strength} | {quality:.1f} | {left} of {len(marked)} | {in_parts} |", flush=True)


def averaging(version: int, pool: int, victims: list[Rgb]) -> None:
    codec = Codec(Keyring.from_secret(SECRET, pool=pool), version=version)
    collected = [codec.embed(rgb, 10_000 + number) for number, rgb in enumerate(crops(max(COUNTS), 1))]
    marked = [codec.embed(rgb, number) for number, rgb in enumerate(victims)]
    for count in COUNTS:
        tile = estimated(collected[:count])
        after = {s: [subtracted(rgb, tile, s) for rgb in marked] for s in STRENGTHS}
        left = [sum(reads(codec, rgb, n) for n, rgb in enumerate(after[s])) for s in STRENGTHS]
        cells = [f"{n} of {len(victims)}" for n in left]
        print(f"| {version} | {pool} | {count} | {' | '.join(cells)} |", flush=True)


def denoising(codec: Codec, version: int, victims: list[Rgb]) -> None:
    marked = [codec.embed(rgb, number) for number, rgb in enumerate(victims)]
    for name, denoise in DENOISERS.items():
        denoised = [denoise(rgb) for rgb in marked]
        left = sum(reads(codec, rgb, number) for number, rgb in enumerate(denoised))
        quality = np.mean([psnr(rgb, original) for rgb, original in zip(denoised, victims, strict=True)])
        print(f"| {version} | {name} | {left} of {len(marked)} | {quality:.1f} |", flush=True)


def heading(title: str, *columns: str) -> None:
    print(f"\n{title}\n\n| format | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=40, help="images for forging and removing (default 40)")
    parser.add_argument("--victims", type=int, default=10, help="images for averaging and denoising (default 10)")
    parser.add_argument(
        "--formats", type=int, nargs="+", default=sorted(Codec.ALGORITHMS), help="formats (default all)"
    )
    parser.add_argument("--only", nargs="+", choices=ATTACKS, default=ATTACKS, help="only these attacks (default all)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codecs = {version: Codec(Keyring.from_secret(SECRET), version=version) for version in options.formats}
    several = list(other_photos())[: options.pictures]
    targets = [several[(number + len(several) // 2) % len(several)] for number in range(len(several))]
    sources = list(photos())
    victims = sources[:: max(1, len(sources) // options.victims)][: options.victims]
    marked = {}
    if {"forging", "removing"} & set(options.only):
        for version, codec in codecs.items():
            marked[version] = [codec.embed(rgb, number) for number, rgb in enumerate(several)]
    if "forging" in options.only:
        heading("Marks put on photographs that carry none", "attack", "PSNR, dB", "read there", "not told as moved")
        for version, codec in codecs.items():
            forging(codec, version, marked[version], targets)
    if "removing" in options.only:
        heading("Marks still read after their own fold was subtracted", "strength", "PSNR, dB", "read", "after a crop")
        for version, codec in codecs.items():
            removing(codec, version, marked[version])
    if "averaging" in options.only:
        levels = [f"strength {s:.0f} ({20 * np.log10(255 / s):.0f} dB)" for s in STRENGTHS]
        heading("Marks still read after the mean of N images was subtracted", "keys in the pool", "N", *levels)
        for version in codecs:
            for pool in (1, DEFAULT_POOL):
                averaging(version, pool, victims)
    if "denoising" in options.only:
        heading("Marks still read after denoising", "denoiser", "read", "PSNR of the result, dB")
        for version, codec in codecs.items():
            denoising(codec, version, victims)


if __name__ == "__main__":
    main()
