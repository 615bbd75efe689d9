"""Marks whose id cannot be read: how often they are found all the same, and how often where there are none.

    python benchmarks/watermark_known.py [--pictures 20] [--trials 10000] [--seed 5]

The first table shows, for each attack on marked images, how many ids are read, how many known marks are found where the
caller knows which issued image it may be, and how often the template is heard. Then whether a mark that was subtracted
is told. The last table has the same figures for images without a mark: random crops of photographs, textures and
drawings, each asked for a random id, at its own size. It tells how large the scores get, and how often the p-values
fall below their limits. Set OMP_NUM_THREADS=1.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, clipped, encoded, jpeg, resized_and_restored
from benchmarks.watermark_pictures import crop, flat, lines, other_photos, photos, textures
from benchmarks.watermark_security import estimated, subtracted
from service.examiner.known_marks import P_VALUE_LIMIT, TraceKind, judge
from watermark import Codec, Keyring

ATTACKS: dict[str, Callable[[Rgb], Rgb]] = {
    "none": lambda x: x,
    "JPEG 15": lambda x: jpeg(x, 15),
    "JPEG 10": lambda x: jpeg(x, 10),
    "AVIF 15": lambda x: encoded(x, "AVIF", quality=15),
    "resize .15 and back": lambda x: resized_and_restored(x, 0.15),
    "blur 4": lambda x: cv2.GaussianBlur(x, (0, 0), 4.0),
    "motion blur 15": lambda x: cv2.filter2D(x, -1, np.full((1, 15), 1 / 15, np.float32)),
    "1-bit, dithered": lambda x: np.asarray(Image.fromarray(x).convert("1").convert("RGB")),
    "1-bit, threshold": lambda x: (
        np.where(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[..., None] > 127, 255, 0).repeat(3, axis=2).astype(np.uint8)
    ),
    "non-local means, h 15": lambda x: cv2.fastNlMeansDenoisingColored(x, None, 15, 15, 5, 15),
    "median 9": lambda x: cv2.medianBlur(x, 9),
}
"""Attacks after which the ids of many images are lost and their looks are not."""
SUBTRACTIONS = (1.0, 2.0, 3.0)
"""Multiples of the mark itself, as whoever has the unmarked image could subtract it."""
FOLDS = (2.0, 3.0)
"""RMS of the fold that is subtracted, in grey levels: what an attacker without a key can do."""
IDS = [int(each) for each in np.random.default_rng(48).integers(2**48, size=1000)]
"""Random, as ids are: those that differ in few bits share most of their code symbols."""
QUANTILES = (0.5, 0.9, 0.99, 0.999)


def found(codec: Codec, rgb: Rgb, mark_id: int, issued: tuple[int, int]) -> tuple[bool, TraceKind | None, float, bool]:
    """Whether the id is read; what the known mark shows, and its score; whether the template is heard."""
    extraction = codec.read(rgb)
    mark = codec.look_for(rgb, mark_id, issued)
    heard = extraction.presence is not None and extraction.presence.p_value <= P_VALUE_LIMIT
    read = any(reading.mark_id == mark_id for reading in extraction.readings)
    return read, judge(mark, 1)[0], mark.message, heard


def marked_table(codec: Codec, pairs: list[tuple[Rgb, Rgb]]) -> None:
    print("\n| attack | id read | known mark found | its score, median | template heard |\n|---|---|---|---|---|")
    for name, attack in ATTACKS.items():
        row = [found(codec, attack(rgb), IDS[number], rgb.shape[:2]) for number, (_, rgb) in enumerate(pairs)]
        carried = sum(kind is TraceKind.CARRIED for _, kind, _, _ in row)
        median = np.median([score for _, _, score, _ in row])
        cells = sum(read for read, *_ in row), carried, f"{median:+.1f}", sum(heard for *_, heard in row)
        print(f"| {name} | {' | '.join(map(str, cells))} |", flush=True)
    print(f"\nOf {len(pairs)} images.")


def removals(codec: Codec, pairs: list[tuple[Rgb, Rgb]]) -> Iterator[tuple[str, list[Rgb]]]:
    """Images from which a mark was subtracted, of either format."""
    for factor in SUBTRACTIONS:
        difference = [(clean, rgb.astype(np.float32) - clean) for clean, rgb in pairs]
        yield f"the mark itself, {factor:g} times", [clipped(clean + mark * (1 - factor)) for clean, mark in difference]
    for strength in FOLDS:
        folds = [(rgb, estimated([rgb])) for _, rgb in pairs]
        yield f"its fold, {strength:g} grey levels", [subtracted(rgb, tile, strength) for rgb, tile in folds]


def removed_table(codec: Codec, pairs: list[tuple[Rgb, Rgb]], version: int) -> None:
    for name, images in removals(codec, pairs):
        row = [found(codec, rgb, IDS[number], rgb.shape[:2]) for number, rgb in enumerate(images)]
        told = sum(kind is TraceKind.SUBTRACTED for _, kind, _, _ in row)
        median = np.median([score for _, _, score, _ in row])
        print(f"| {version} | {name} | {sum(read for read, *_ in row)} | {told} | {median:+.1f} |", flush=True)


def unmarked_table(codec: Codec, trials: int, searches: int, seed: int) -> None:
    """Scores of images that carry no mark. Searching takes long, so it is done for fewer images."""
    sources = [*photos(), *textures(), *(draw(number, 512) for number in range(8) for draw in (flat, lines))]
    rng = np.random.default_rng(seed)
    messages, templates, presences, kinds = [], [], [], 0
    for number in range(trials):
        part = crop(sources[number % len(sources)], rng, least=128)
        mark = codec.look_for(part, int(rng.integers(2**48)), (part.shape[0], part.shape[1]))
        messages.append((abs(mark.message), mark.p_value))
        templates.append((abs(mark.template), mark.template_p_value))
        kinds += judge(mark, 1)[0] is not None
        if number < searches:
            presence = codec.read(part).presence
            presences.append((presence.score, presence.p_value) if presence else (0.0, 1.0))
        if number % 1000 == 999:
            print(f"{number + 1}: {kinds} found", file=sys.stderr, flush=True)
    print(f"\n| score of unmarked images | images | {' | '.join(f'{q:.1%}' for q in QUANTILES)} | largest "
          "| least p-value | p <= .01 |\n|---|---|" + "---|" * (len(QUANTILES) + 3))  # fmt: skip
    for name, values in (("known mark", messages), ("template as issued", templates), ("presence", presences)):
        if not values:
            continue
        scores, p_values = np.array(values).T
        quantiles = [f"{np.quantile(scores, q):.2f}" for q in QUANTILES]
        tail = f"{p_values.min():.1e}", f"{np.mean(p_values <= 0.01):.4f}"
        print(f"| {name} | {len(values)} | {' | '.join(quantiles)} | {scores.max():.2f} | {' | '.join(tail)} |")
    print(f"\nKnown marks found where there are none: {kinds} of {trials}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20, help="marked photographs (default 20)")
    parser.add_argument("--trials", type=int, default=10_000, help="unmarked pairs of image and id (default 10000)")
    parser.add_argument("--searches", type=int, help="how many of them are searched for a template (default all)")
    parser.add_argument("--seed", type=int, default=5, help="seed of the crops and ids; give each shard its own")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    images = list(other_photos())[: options.pictures]
    if images:
        pairs = [(rgb, codec.embed(rgb, IDS[number])) for number, rgb in enumerate(images)]
        marked_table(codec, pairs)
        print("\n| format | subtracted | id read | subtraction told | score, median |\n|---|---|---|---|---|")
        for version in Codec.ALGORITHMS:
            writer = Codec(Keyring.from_secret(b"benchmark keyring, not for use"), version=version)
            removed_table(codec, [(rgb, writer.embed(rgb, IDS[number])) for number, rgb in enumerate(images)], version)
    if options.trials:
        searches = options.trials if options.searches is None else options.searches
        unmarked_table(codec, options.trials, searches, options.seed)


if __name__ == "__main__":
    main()
