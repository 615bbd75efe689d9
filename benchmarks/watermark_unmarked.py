"""False readings: how often the watermark is read from pictures that carry none.

    python benchmarks/watermark_unmarked.py [--count 10000] [--seed 7] [--photos DIR]

Crops of random size, place and aspect (short side 128 to 512 px) of photographs, textures and drawings, a third of them
through JPEG. Every decoding attempt of every search is counted, for the bound is per attempt. Run it with
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

ODDS = 2.0**-36
"""Of passing the check by chance, an attempt: 32 bits of check, 4 of version."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="crops to read (default 10000)")
    parser.add_argument("--seed", type=int, default=7, help="of the crops: shards of a long run differ in it")
    parser.add_argument("--photos", type=Path, help="folder of photographs to use beside the packages'")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sources = [*photos(), *textures(), *(draw(seed, 512) for seed in range(8) for draw in (flat, lines))]
    sources += list(photos(options.photos)) if options.photos else []
    chance = np.random.default_rng(options.seed)
    attempts, seconds, found = [0], [], 0
    unseal = payload.unseal

    def counted(bits: np.ndarray, key: bytes) -> int | None:
        attempts[0] += 1
        return unseal(bits, key)

    payload.unseal = counted  # type: ignore[assignment]  # the benchmark counts what the search tries
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    most = 0
    for number in range(options.count):
        part, before = crop(sources[number % len(sources)], chance, least=128), attempts[0]
        start = time.process_time()
        found += codec.extract(part) is not None
        seconds.append(time.process_time() - start)
        most = max(most, attempts[0] - before)
        if number % 500 == 499:
            print(f"{number + 1}: {found} read, {attempts[0]} attempts", file=sys.stderr, flush=True)
    print(
        f"Unmarked crops read as marked: {found} of {options.count}.\n"
        f"Decoding attempts: {attempts[0]} in all, {most} at most in one picture; {MAX_ATTEMPTS} are allowed, which "
        f"bounds a false reading by {MAX_ATTEMPTS * ODDS:.1e}.\n"
        f"{1e3 * np.median(seconds):.0f} ms of CPU a picture, median."
    )


if __name__ == "__main__":
    main()
