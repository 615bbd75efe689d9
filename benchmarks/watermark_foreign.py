"""Stock watermarks of other generators: how often they are read in marked images and in unmarked ones.

    python benchmarks/watermark_foreign.py [--unmarked 500] [--marked 12] [--rivagan 60] [--methods dwtDct ...]

Needs the extra `foreign-marks`. Unmarked images are random crops (256 to 512 px) of photographs, textures and drawings,
a third of them compressed as JPEG. In each, four messages of every method are searched, in both channel orders. Stock
messages are known for dwtDct only; the other methods take the bits of the same four, cut to 32 for rivaGan. rivaGan
runs a network over every pixel, so it reads only `--rivagan` unmarked crops, of 256 px, and marks a third of the
photographs.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, jpeg, sized
from benchmarks.watermark_pictures import crop, flat, lines, photos, textures
from watermark.foreign.stock import METHODS, RIVAGAN_BITS, STOCK, Message, Method, StockMarks, enough

CHANGES: dict[str, Callable[[Rgb], Rgb]] = {
    "nothing": lambda x: x,
    "JPEG 95": lambda x: jpeg(x, 95),
    "JPEG 90": lambda x: jpeg(x, 90),
    "JPEG 75": lambda x: jpeg(x, 75),
    "half size": lambda x: sized(x, x.shape[1] // 2, x.shape[0] // 2),
}
RIVAGAN_SIDE = 256


def messages(method: Method) -> list[Message]:
    """The four messages that are searched with `method`."""
    if method == "dwtDct":
        return list(STOCK)
    length = RIVAGAN_BITS if method == "rivaGan" else None
    return [Message(f"{one.name}, {method}", method, one.bits[:length]) for one in STOCK]


def embed(rgb: Rgb, message: Message) -> Rgb:
    from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    if message.method == "rivaGan":
        encoder.loadModel()
    encoder.set_watermark("bits", list(message.bits))
    return np.ascontiguousarray(encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), message.method)[..., ::-1])


def shares_read(message: Message, images: list[Rgb]) -> list[float]:
    """The share of `images` from which `message` is read after each of `CHANGES`."""
    reader, marked = StockMarks([message]), [embed(rgb, message) for rgb in images]
    return [sum(bool(reader.read(change(rgb))) for rgb in marked) / len(marked) for change in CHANGES.values()]


def unmarked(method: Method, sources: list[Rgb], count: int) -> Iterator[Rgb]:
    rng = np.random.default_rng(11)
    for number in range(count):
        part = crop(sources[number % len(sources)], rng, least=256)
        yield part[:RIVAGAN_SIDE, :RIVAGAN_SIDE] if method == "rivaGan" else part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unmarked", type=int, default=500, help="unmarked crops to read (default 500)")
    parser.add_argument("--rivagan", type=int, default=60, help="unmarked crops to read with rivaGan (default 60)")
    parser.add_argument("--marked", type=int, default=12, help="photographs to mark with each message (default 12)")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=METHODS, help="only these methods (default: all)"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    all_photos = list(photos())
    print(f"| message | images | {' | '.join(CHANGES)} |\n|---|---|{'---|' * len(CHANGES)}")
    for method in options.methods:
        count = -(-options.marked // 3) if method == "rivaGan" else options.marked
        for message in messages(method) if method == "dwtDct" else messages(method)[2:3]:
            shares = shares_read(message, all_photos[:: max(1, len(all_photos) // count)][:count])
            print(f"| {message.name} | {count} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)
    print()
    sources = [*all_photos, *textures(), *(draw(seed, 512) for seed in range(8) for draw in (flat, lines))]
    for method in options.methods:
        count = options.rivagan if method == "rivaGan" else options.unmarked
        reader, bits = StockMarks(messages(method)), [len(one.bits) for one in messages(method)]
        wrong = sum(len(reader.read(part)) for part in unmarked(method, sources, count))
        needed = ", ".join(f"{enough(length)} of {length}" for length in bits)
        print(
            f"{method}: {wrong} watermarks read in {count} unmarked crops; matching bits required: {needed}.",
            flush=True,
        )


if __name__ == "__main__":
    main()
