"""Images that were marked twice by one installation: which of the two marks is read after which change.

python benchmarks/watermark_twice.py [--pictures 20]
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, cropped, jpeg, sized
from benchmarks.watermark_pictures import other_photos
from watermark import Codec, Keyring

CHANGES: dict[str, Callable[[Rgb], Rgb]] = {
    "unchanged": lambda x: x,
    "JPEG 90": lambda x: jpeg(x, 90),
    "JPEG 75": lambda x: jpeg(x, 75),
    "JPEG 50": lambda x: jpeg(x, 50),
    "half size": lambda x: sized(x, 256, 256),
    "crop to 75 %": lambda x: cropped(x, 0.75, np.random.default_rng(1)),
    "crop to 50 %": lambda x: cropped(x, 0.5, np.random.default_rng(1)),
    "quarter turn, JPEG 75": lambda x: jpeg(np.rot90(x).copy(), 75),
    "aspect .75": lambda x: sized(x, 384, 512),
}
EARLIER, LATER = 7000, 8000
"""Ids of the first image's two marks; those of the others follow."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20, help="photographs (default 20)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    images = list(other_photos())[1::2][: options.pictures]
    once = [codec.embed(x, EARLIER + number) for number, x in enumerate(images)]
    twice = [codec.embed(x, LATER + number) for number, x in enumerate(once)]
    apart = np.mean([cv2.PSNR(one, other) for one, other in zip(once, twice, strict=True)])
    print(f"The second mark is {apart:.1f} dB from the first.\n\n| copy | earlier mark | later mark |\n|---|---|---|")
    for name, change in CHANGES.items():
        read = [ids(codec, change(x)) for x in twice]
        found = [sum(base + number in each for number, each in enumerate(read)) for base in (EARLIER, LATER)]
        print(f"| {name} | {found[0]} of {len(read)} | {found[1]} of {len(read)} |", flush=True)


def ids(codec: Codec, copy: Rgb) -> set[int]:
    return {reading.mark_id for reading in codec.read(np.ascontiguousarray(copy)).readings}


if __name__ == "__main__":
    main()
