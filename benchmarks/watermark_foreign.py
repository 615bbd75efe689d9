"""Stock marks of other generators: how often they are read where they are, and where they are not.

    python benchmarks/watermark_foreign.py [--unmarked 500] [--marked 12]

Needs the extra `foreign-marks`. Unmarked pictures are random crops (256 to 512 px) of photographs, textures and
drawings, a third of them through JPEG; each is read for all four stock messages in both orders of the colours.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, jpeg, sized
from benchmarks.watermark_pictures import crop, flat, lines, photos, textures
from watermark.stock import STOCK, Message, StockMarks

AFTER = {
    "nothing": lambda x: x,
    "JPEG 95": lambda x: jpeg(x, 95),
    "JPEG 90": lambda x: jpeg(x, 90),
    "JPEG 75": lambda x: jpeg(x, 75),
    "half size": lambda x: sized(x, x.shape[1] // 2, x.shape[0] // 2),
}


def stamped(rgb: Rgb, message: Message) -> Rgb:
    from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    encoder.set_watermark("bits", list(message.bits))
    return np.ascontiguousarray(encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), message.method)[..., ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unmarked", type=int, default=500, help="unmarked crops to read (default 500)")
    parser.add_argument("--marked", type=int, default=12, help="photographs to mark with each message (default 12)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    reader, whole = StockMarks(), list(photos())
    print(f"| message | {' | '.join(AFTER)} |\n|---|{'---|' * len(AFTER)}")
    for message in STOCK:
        marked = [stamped(rgb, message) for rgb in whole[:: max(1, len(whole) // options.marked)][: options.marked]]
        shares = []
        for change in AFTER.values():
            found = [reader.read(change(rgb)) for rgb in marked]
            shares.append(sum(message.name in [one.name for one in some] for some in found) / len(marked))
        print(f"| {message.name} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)
    sources = [*whole, *textures(), *(draw(seed, 512) for seed in range(8) for draw in (flat, lines))]
    chance = np.random.default_rng(11)
    crops = (crop(sources[number % len(sources)], chance, least=256) for number in range(options.unmarked))
    wrong = sum(len(reader.read(part)) for part in crops)
    print(
        f"\nUnmarked crops: {wrong} stock marks read in {options.unmarked}, {len(STOCK)} messages looked for in each."
    )


if __name__ == "__main__":
    main()
