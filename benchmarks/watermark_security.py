"""Attacks on the watermark without its key: averaging images, copying a watermark, and denoising.

    python benchmarks/watermark_security.py [--victims 10]

Averaging: the attacker has N marked images, folds them at the tile's size, which is public, takes their mean as the
pattern, and subtracts it from other images at three strengths. Measured with one key and with a pool. Copying: the
attacker estimates the watermark of one image with a denoiser and adds it to an unmarked image. Denoising: filters that
remove the watermark, and the quality that they leave. The images are 512 px crops of photographs that come with
packages (see watermark_pictures.py).
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from skimage.restoration import denoise_wavelet

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, clipped, cropped, jpeg, sized
from benchmarks.watermark_pictures import photos
from detectors import fingerprint
from service.examiner.policy import same_image
from watermark import Codec, Keyring
from watermark.tile.canvas import SHORT_SIDE, folded, luma, resized, whitened
from watermark.tile.keyring import DEFAULT_POOL
from watermark.tile.pattern import TILE

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


def sharpened(rgb: Rgb) -> Rgb:
    return clipped(rgb + 1.0 * (rgb.astype(np.float32) - cv2.GaussianBlur(rgb, (0, 0), 3.0)))


def crops(count: int, seed: int) -> list[Rgb]:
    """Different 512 x 512 views of the photographs: random crops of half the area, enlarged."""
    rng, sources = np.random.default_rng(seed), list(photos())
    return [sized(cropped(sources[number % len(sources)], 0.5, rng), 512, 512) for number in range(count)]


def estimated(marked: list[Rgb]) -> np.ndarray:
    """The pattern that the images share at the period of the tile: float32[64, 64], RMS 1."""
    total = np.zeros((TILE, TILE), np.float32)
    for rgb in marked:
        total += folded(whitened(resized(luma(rgb), SHORT_SIDE, SHORT_SIDE)))
    total -= total.mean()
    result: np.ndarray = total / total.std()
    return result


def subtracted(rgb: Rgb, tile: np.ndarray, strength: float) -> Rgb:
    repeated = np.tile(tile, (SHORT_SIDE // TILE, SHORT_SIDE // TILE)).astype(np.float32)
    layer = cv2.resize(repeated, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return clipped(rgb - (strength / layer.std()) * layer[..., None])


def copied(source: Rgb, target: Rgb) -> Rgb:
    """`target` plus what a denoiser removes from `source`."""
    return clipped(target + source.astype(np.float32) - cv2.bilateralFilter(source, 5, 25, 3))


def reads(codec: Codec, rgb: Rgb, mark_id: int) -> bool:
    reading = codec.extract(np.ascontiguousarray(rgb))
    return reading is not None and reading.mark_id == mark_id


def psnr(one: Rgb, other: Rgb) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float32) - other) ** 2)))


def averaging(pool: int, victims: list[Rgb]) -> None:
    codec = Codec(Keyring.from_secret(SECRET, pool=pool))
    collected = [codec.embed(rgb, 10_000 + number) for number, rgb in enumerate(crops(max(COUNTS), 1))]
    marked = [codec.embed(rgb, number) for number, rgb in enumerate(victims)]
    for count in COUNTS:
        tile = estimated(collected[:count])
        after = {s: [subtracted(rgb, tile, s) for rgb in marked] for s in STRENGTHS}
        left = [sum(reads(codec, rgb, n) for n, rgb in enumerate(after[s])) for s in STRENGTHS]
        cells = [f"{n} of {len(victims)}" for n in left]
        print(f"| {pool} | {count} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victims", type=int, default=10, help="images to attack (default 10)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(SECRET))
    sources = list(photos())
    victims = sources[:: max(1, len(sources) // options.victims)][: options.victims]
    print("Watermarks still read after subtracting the mean of N marked images\n")
    headings = " | ".join(f"strength {s:.0f} ({20 * np.log10(255 / s):.0f} dB)" for s in STRENGTHS)
    print(f"| keys in the pool | N | {headings} |\n|---|---|{'---|' * len(STRENGTHS)}")
    for pool in (1, DEFAULT_POOL):
        averaging(pool, victims)
    marked = [codec.embed(rgb, number) for number, rgb in enumerate(victims)]
    targets = [sources[(number * 7 + 3) % len(sources)] for number in range(len(victims))]
    forged = [copied(source, target) for source, target in zip(marked, targets, strict=True)]
    copied_marks = [number for number, rgb in enumerate(forged) if reads(codec, rgb, number)]
    fingerprints = [(fingerprint(forged[number]), fingerprint(marked[number])) for number in copied_marks]
    fooled = sum(same_image(query, issued.bits, issued.quality) is not False for query, issued in fingerprints)
    print(f"\nWatermarks copied to another image and read there: {len(copied_marks)} of {len(forged)}.")
    print(f"Of these, {fooled} pass the examiner's comparison with the issued image.\n")
    print("| denoiser | watermarks still read | PSNR of the result, dB |\n|---|---|---|")
    for name, denoise in DENOISERS.items():
        denoised = [denoise(rgb) for rgb in marked]
        left = sum(reads(codec, rgb, number) for number, rgb in enumerate(denoised))
        quality = np.mean([psnr(rgb, original) for rgb, original in zip(denoised, victims, strict=True)])
        print(f"| {name} | {left} of {len(marked)} | {quality:.1f} |", flush=True)


if __name__ == "__main__":
    main()
