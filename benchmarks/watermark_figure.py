"""The figure of docs/watermark.md: marked images beside the amplified difference, and the map of an edited image.

python benchmarks/watermark_figure.py docs/images/watermark.jpg
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, clipped, sized
from benchmarks.watermark_pictures import flat
from service.media.heatmaps import enlarged, overlay
from watermark import Codec, Keyring

AMPLIFICATION = 16
PANEL_SIDE = 340


def difference(before: Rgb, after: Rgb) -> Rgb:
    return clipped(128 + AMPLIFICATION * (after.astype(np.float32) - before))


def row(*panels: Rgb) -> Rgb:
    return np.concatenate([sized(panel, PANEL_SIDE, PANEL_SIDE) for panel in panels], axis=1)


def main() -> None:
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    photo, sky = data.astronaut(), flat(2, 512)
    marked, marked_sky = codec.embed(photo, 42), codec.embed(sky, 42)
    edited = marked.copy()
    edited[96:320, 208:432] = data.coffee()[96:320, 208:432]
    reading = codec.extract(edited)
    assert reading is not None
    heat = overlay(edited, enlarged(reading.coverage, (512, 512)))
    rows = [
        row(photo, marked, difference(photo, marked)),
        row(sky, marked_sky, difference(sky, marked_sky)),
        row(marked, edited, heat),
    ]
    Image.fromarray(np.concatenate(rows)).save(sys.argv[1], quality=82)


if __name__ == "__main__":
    main()
