"""The images of the watermark benchmark: photographs bundled with packages, and generated drawings.

Nothing is downloaded. The photographs are scikit-image's, and scikit-learn's and PyWavelets' if installed.
"""

import importlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage import data

from benchmarks.watermark_attacks import Rgb, clipped, jpeg, scaled, sized

PHOTO_SIDE = 512
PHOTOS = (
    "astronaut", "coffee", "chelsea", "rocket", "stereo_motorcycle", "camera", "retina", "coins", "moon",
    "hubble_deep_field", "immunohistochemistry", "page",
)  # fmt: skip
"""Bundled with scikit-image."""
TEXTURES = ("brick", "grass", "gravel")
"""Also bundled with scikit-image: coarse grain from edge to edge, where a faint watermark is hardest to read."""
CROPS_PER_PHOTO = 3


def sources(folder: Path | None = None) -> Iterator[Rgb]:
    """Complete photographs, from `folder` or else from the packages."""
    if folder is not None:
        yield from (np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir()))
        return
    yield from bundled(PHOTOS)
    with suppress(ImportError):
        yield from importlib.import_module("sklearn.datasets").load_sample_images().images
    with suppress(ImportError):
        extra = importlib.import_module("pywt.data")
        yield from (in_colour(image.astype(np.uint8)) for image in (extra.aero(), extra.ascent()))


def bundled(names: tuple[str, ...]) -> Iterator[Rgb]:
    """Images of scikit-image by name; of a stereo pair, the left one."""
    for name in names:
        image = getattr(data, name)()
        yield in_colour(image[0] if isinstance(image, tuple) else image)


def in_colour(image: np.ndarray) -> Rgb:
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else np.ascontiguousarray(image[..., :3])


def photos(folder: Path | None = None, side: int = PHOTO_SIDE) -> Iterator[Rgb]:
    """Square crops along the diagonal of every photograph, which is enlarged first if it is smaller than the crop."""
    for rgb in sources(folder):
        factor = max(1.0, side / min(rgb.shape[:2]))
        whole = sized(rgb, max(side, round(rgb.shape[1] * factor)), max(side, round(rgb.shape[0] * factor)))
        free = [length - side for length in whole.shape[:2]]
        corners = dict.fromkeys((share * free[0] // 2, share * free[1] // 2) for share in range(CROPS_PER_PHOTO))
        for top, left in corners:
            yield whole[top : top + side, left : left + side].copy()


def other_photos(folder: Path | None = None, side: int = PHOTO_SIDE) -> Iterator[Rgb]:
    """Three random crops of every photograph; nothing was tuned on them.

    Photographs with no room for different crops are enlarged.
    """
    rng = np.random.default_rng(2)
    for rgb in sources(folder):
        factor = max(1.0, side / min(rgb.shape[:2]))
        factor *= 1.25 if min(rgb.shape[:2]) * factor < side + 40 else 1.0
        whole = scaled(rgb, factor)
        for _ in range(CROPS_PER_PHOTO):
            top, left = (rng.integers(length - side + 1) for length in whole.shape[:2])
            yield whole[top : top + side, left : left + side].copy()


def textures() -> Iterator[Rgb]:
    """Each texture upright, rotated by 90 degrees, and mirrored top to bottom."""
    for rgb in bundled(TEXTURES):
        yield from (rgb.copy(), np.rot90(rgb).copy(), rgb[::-1].copy())


def small_photos(folder: Path | None = None) -> Iterator[Rgb]:
    """The crops of `photos`, halved to 256 pixels."""
    yield from (scaled(rgb, 0.5) for rgb in photos(folder))


def huge_photos(folder: Path | None = None) -> Iterator[Rgb]:
    """Six photographs enlarged to 4096 pixels, with the grain that a sensor of that size would add."""
    rng = np.random.default_rng(4096)
    for rgb, _ in zip(sources(folder), range(6), strict=False):
        square = rgb[: min(rgb.shape[:2]), : min(rgb.shape[:2])]
        yield clipped(sized(square, 4096, 4096) + rng.normal(0, 2, (4096, 4096, 1)))


def dark(folder: Path | None = None) -> Iterator[Rgb]:
    """Photographs at a quarter of their brightness."""
    yield from (clipped(rgb * 0.25) for rgb in photos(folder))


def bright(folder: Path | None = None) -> Iterator[Rgb]:
    """Photographs compressed into the top third of the scale and clipped at white."""
    yield from (clipped(175 + rgb * 0.35) for rgb in photos(folder))


def flat(seed: int, side: int) -> Rgb:
    """A cartoon: a few flat shapes on a plain or graded background, drawn at four times the size for smooth edges."""
    rng = np.random.default_rng(seed)
    big = 4 * side
    colours = rng.integers(20, 256, (16, 3))
    if seed % 2:
        canvas = Image.new("RGB", (big, big), tuple(colours[0]))
    else:
        ramp = np.linspace(0, 1, big)[:, None, None]
        graded = np.repeat(colours[0] * (1 - ramp) + colours[1] * ramp, big, axis=1)
        canvas = Image.fromarray(graded.astype(np.uint8))
    pen = ImageDraw.Draw(canvas)
    if seed % 3:
        pen.rectangle((0, int(big * rng.uniform(0.55, 0.75)), big, big), fill=tuple(colours[2]))
    for number, colour in enumerate(colours[3 : 5 + seed % 8]):
        x, y = rng.uniform(0.1, 0.9, 2) * big
        wide, high = rng.uniform(0.03, 0.3 if number else 0.45, 2) * big
        shape = pen.ellipse if rng.random() < 0.6 else pen.rectangle
        shape((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2), fill=tuple(colour))
    return np.asarray(canvas.resize((side, side), Image.Resampling.LANCZOS))


def lines(seed: int, side: int) -> Rgb:
    """A line drawing: thin dark strokes on white, nothing filled."""
    rng = np.random.default_rng(seed)
    big = 4 * side
    canvas = Image.new("L", (big, big), 255)
    pen = ImageDraw.Draw(canvas)
    for _ in range(6 + seed % 20):
        thick = int(rng.integers(4, 14))
        box = np.sort(rng.uniform(0, big, (2, 2)), axis=0).ravel().tolist()
        if rng.random() < 0.5:
            pen.line([tuple(point) for point in rng.uniform(0, big, (4, 2))], 30, thick, joint="curve")
        else:
            pen.ellipse(box, outline=30, width=thick)
    return in_colour(np.asarray(canvas.resize((side, side), Image.Resampling.LANCZOS)))


def crop(rgb: Rgb, rng: np.random.Generator, *, least: int) -> Rgb:
    """A crop of random position and size (`least` to 512 px per side); one in three is compressed as JPEG 30 to 95."""
    high, wide = rng.integers(least, 513, 2)
    top, left = rng.integers(len(rgb) - high + 1), rng.integers(rgb.shape[1] - wide + 1)
    part = rgb[top : top + high, left : left + wide].copy()
    return jpeg(part, int(rng.integers(30, 96))) if rng.random() < 1 / 3 else part
