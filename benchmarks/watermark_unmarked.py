"""False readings: how often a watermark is read from images that carry none.

    python benchmarks/watermark_unmarked.py [--count 10000] [--seed 7] [--photos DIR]

The images are random crops (128 to 512 px per side) of photographs, textures and drawings, a third of them compressed
as JPEG. Every decoding attempt is counted, because the bound is per attempt. Set
OMP_NUM_THREADS=1.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_pictures import crop, flat, lines, photos, textures
from watermark import Codec, Keyring
from watermark.tile import payload
from watermark.tile.reader import MAX_ATTEMPTS

FALSE_CHECK_PROBABILITY = 2.0**-36
"""Probability that one attempt passes the check by chance: 32 check bits and 4 version bits."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="crops to read (default 10000)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the crops; give each shard of a long run its own")
    parser.add_argument("--photos", type=Path, help="folder of more photographs, in addition to the bundled ones")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sources = [*photos(), *textures(), *(draw(seed, 512) for seed in range(8) for draw in (flat, lines))]
    sources += list(photos(options.photos)) if options.photos else []
    rng = np.random.default_rng(options.seed)
    attempts, seconds, found = [0], [], 0
    unseal = payload.unseal

    def counted(bits: np.ndarray, key: bytes, version: int) -> int | None:
        attempts[0] += 1
        return unseal(bits, key, version)

    payload.unseal = counted  # type: ignore[assignment]  # count the attempts of the search
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    most_attempts = 0
    for number in range(options.count):
        part, before = crop(sources[number % len(sources)], rng, least=128), attempts[0]
        start = time.process_time()
        found += codec.extract(part) is not None
        seconds.append(time.process_time() - start)
        most_attempts = max(most_attempts, attempts[0] - before)
        if number % 500 == 499:
            print(f"{number + 1}: {found} read, {attempts[0]} attempts", file=sys.stderr, flush=True)
    print(
        f"Unmarked crops read as marked: {found} of {options.count}.\n"
        f"Decoding attempts: {attempts[0]} in total, at most {most_attempts} in one image. {MAX_ATTEMPTS} are allowed, "
        f"so the probability of a false reading is at most {MAX_ATTEMPTS * FALSE_CHECK_PROBABILITY:.1e} per image.\n"
        f"{1e3 * np.median(seconds):.0f} ms of CPU time per image, median."
    )


if __name__ == "__main__":
    main()
