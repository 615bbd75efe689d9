"""Stock marks of other generators: how often they are read where they are, and where they are not.

    python benchmarks/watermark_foreign.py [--unmarked 500] [--marked 12] [--rivagan 60] [--methods dwtDct ...]

Needs the extra `foreign-marks`. Unmarked pictures are random crops (256 to 512 px) of photographs, textures and
drawings, a third of them through JPEG; each is read for four messages of every method in both orders of the colours.
dwtDct has stock messages of its own; none are known of the other methods, so they take the bits of the same four,
cut to 32 for rivaGan. That one runs a network over every pixel: its unmarked crops are `--rivagan` of 256 px, and a
third of the photographs are marked with it.
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

AFTER: dict[str, Callable[[Rgb], Rgb]] = {
    "nothing": lambda x: x,
    "JPEG 95": lambda x: jpeg(x, 95),
    "JPEG 90": lambda x: jpeg(x, 90),
    "JPEG 75": lambda x: jpeg(x, 75),
    "half size": lambda x: sized(x, x.shape[1] // 2, x.shape[0] // 2),
}
RIVAGAN_SIDE = 256


def messages(method: Method) -> list[Message]:
    """The four messages that are looked for under `method`."""
    if method == "dwtDct":
        return list(STOCK)
    length = RIVAGAN_BITS if method == "rivaGan" else None
    return [Message(f"{one.name}, {method}", method, one.bits[:length]) for one in STOCK]


def stamped(rgb: Rgb, message: Message) -> Rgb:
    from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    if message.method == "rivaGan":
        encoder.loadModel()
    encoder.set_watermark("bits", list(message.bits))
    return np.ascontiguousarray(encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), message.method)[..., ::-1])


def shares_read(message: Message, pictures: list[Rgb]) -> list[float]:
    """The share of `pictures` from which `message` is read after each of `AFTER`."""
    reader, marked = StockMarks([message]), [stamped(rgb, message) for rgb in pictures]
    return [sum(bool(reader.read(change(rgb))) for rgb in marked) / len(marked) for change in AFTER.values()]


def unmarked(method: Method, sources: list[Rgb], count: int) -> Iterator[Rgb]:
    chance = np.random.default_rng(11)
    for number in range(count):
        part = crop(sources[number % len(sources)], chance, least=256)
        yield part[:RIVAGAN_SIDE, :RIVAGAN_SIDE] if method == "rivaGan" else part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unmarked", type=int, default=500, help="unmarked crops to read (default 500)")
    parser.add_argument("--rivagan", type=int, default=60, help="the same for rivaGan (default 60)")
    parser.add_argument("--marked", type=int, default=12, help="photographs to mark with each message (default 12)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, help="these alone (default: all)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    whole = list(photos())
    print(f"| message | pictures | {' | '.join(AFTER)} |\n|---|---|{'---|' * len(AFTER)}")
    for method in options.methods:
        some = -(-options.marked // 3) if method == "rivaGan" else options.marked
        for message in messages(method) if method == "dwtDct" else messages(method)[2:3]:
            shares = shares_read(message, whole[:: max(1, len(whole) // some)][:some])
            print(f"| {message.name} | {some} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)
    print()
    sources = [*whole, *textures(), *(draw(seed, 512) for seed in range(8) for draw in (flat, lines))]
    for method in options.methods:
        count = options.rivagan if method == "rivaGan" else options.unmarked
        reader, bits = StockMarks(messages(method)), [len(one.bits) for one in messages(method)]
        wrong = sum(len(reader.read(part)) for part in unmarked(method, sources, count))
        needed = ", ".join(f"{enough(length)} of {length}" for length in bits)
        print(f"{method}: {wrong} marks read in {count} unmarked crops; bits asked for: {needed}.", flush=True)


if __name__ == "__main__":
    main()
