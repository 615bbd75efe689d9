"""Marks in pictures that were pasted, photographed or warped: the usual search and the thorough one.

    python benchmarks/watermark_geometry.py [--pictures 12] [--only NAME ...] [--thorough]

For each family, how many marks come back with the usual search and, with --thorough, with the thorough search where the
usual one found nothing; then the time of both for images that carry no mark. A collage counts only if all four ids come
back. Images are photographs that come with packages (watermark_pictures.py), 512 px unless the name says another size.
Set OMP_NUM_THREADS=1.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, clipped, jpeg, sized
from benchmarks.watermark_pictures import other_photos
from watermark import Codec, Effort, Keyring

Change = Callable[[Rgb, np.random.Generator], Rgb]


def busy_page(rng: np.random.Generator, high: int, wide: int) -> Rgb:
    """Paper with lines of text, coloured boxes and rules."""
    page = np.full((high, wide, 3), 248, np.uint8)
    for _ in range(8):
        top, left = int(rng.integers(high - 60)), int(rng.integers(wide - 90))
        colour = rng.integers(60, 250, 3).tolist()
        cv2.rectangle(
            page, (left, top), (left + int(rng.integers(40, 90)), top + int(rng.integers(15, 60))), colour, -1
        )
    for row in range(16, high, 18):
        letters = "".join(chr(int(c)) for c in rng.integers(97, 123, wide // 9))
        cv2.putText(page, letters, (10, row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    return page


def pasted(page: Rgb, picture: Rgb, rng: np.random.Generator) -> Rgb:
    top, left = (int(rng.integers(page.shape[axis] - picture.shape[axis] + 1)) for axis in (0, 1))
    result = page.copy()
    result[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return result


def inset(share: float) -> Change:
    """The picture, 400 px, at `share` of the side of a busy page."""
    return lambda x, r: pasted(busy_page(r, round(400 / share), round(400 / share)), sized(x, 400, 400), r)


def desktop(x: Rgb, r: np.random.Generator) -> Rgb:
    """A screen of 1600 x 900 px with a window of text, a bar and the picture at 300 to 480 px; JPEG 85."""
    screen = np.full((900, 1600, 3), (38, 60, 92), np.uint8)
    screen[60:820, 90:1510] = busy_page(r, 760, 1420)
    screen[:36] = 230
    side = int(r.integers(300, 481))
    top, left = int(r.integers(70, 810 - side)), int(r.integers(100, 1500 - side))
    screen[top : top + side, left : left + side] = sized(x, side, side)
    return jpeg(screen, 85)


def phone(x: Rgb, r: np.random.Generator) -> Rgb:
    """A screen of 540 x 1170 px: bars, the picture over its whole width, text below; JPEG 85."""
    screen = busy_page(r, 1170, 540)
    screen[:70], screen[-60:] = 250, 250
    cv2.putText(screen, "12:07", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    top = int(r.integers(90, 500))
    screen[top : top + 540] = sized(x, 540, 540)
    return jpeg(screen, 85)


def seen_at(x: Rgb, degrees: float, direction: float, distance: float = 2.0) -> Rgb:
    """Turned about an axis in its plane, seen from `distance` halves of its side away."""
    half, turn = len(x) / 2, np.radians(degrees)
    along, across = np.array([np.cos(direction), np.sin(direction)]), np.array([-np.sin(direction), np.cos(direction)])
    frame = np.stack([along, across])
    plane = frame.T @ np.diag([np.cos(turn), 1.0]) @ frame
    seen = np.eye(3)
    seen[:2, :2] = plane
    seen[2, :2] = np.sin(turn) / distance * along
    centred = np.array([[half, 0, half - 0.5], [0, half, half - 0.5], [0, 0, 1]])
    matrix = centred @ seen @ np.linalg.inv(centred)
    flags, border = cv2.INTER_CUBIC, cv2.BORDER_CONSTANT
    warped = cv2.warpPerspective(x, matrix, x.shape[1::-1], flags=flags, borderMode=border, borderValue=(90, 90, 90))
    return np.asarray(warped, np.uint8)


def perspective(degrees: float) -> Change:
    return lambda x, r: seen_at(x, degrees, float(r.uniform(0, 2 * np.pi)))


def sheared(share: float) -> Change:
    def change(x: Rgb, r: np.random.Generator) -> Rgb:
        side = len(x)
        matrix = np.array([[1, share, -share * side / 2], [0, 1, 0]])
        return np.asarray(cv2.warpAffine(x, matrix, (side, side), flags=cv2.INTER_CUBIC), np.uint8)

    return change


def print_scan(x: Rgb, r: np.random.Generator) -> Rgb:
    """Dots of a print, a slight turn, the scanner's blur, light fall-off, tone and noise; JPEG 80."""
    large = sized(x, 1024, 1024).astype(np.float32)
    rows, columns = np.mgrid[:1024, :1024]
    dots = np.sin(rows * 2.2) * np.sin(columns * 2.2)
    printed = clipped(large + 10 * dots[..., None])
    turn = cv2.getRotationMatrix2D((512, 512), float(r.uniform(-1.5, 1.5)), 0.97)
    scanned = cv2.warpAffine(printed, turn, (1024, 1024), flags=cv2.INTER_CUBIC, borderValue=(245, 245, 245))
    blurred = cv2.GaussianBlur(scanned, (0, 0), 1.2).astype(np.float32)
    light = 1 - 0.12 * (columns / 1024)[..., None]
    noisy = 18 + 0.9 * blurred * light + r.normal(0, 4, blurred.shape)
    return jpeg(sized(clipped(noisy), 700, 700), 80)


def screen_photo(x: Rgb, r: np.random.Generator) -> Rgb:
    """A photograph of a screen: up to 6 degrees askew, moire, blur, light fall-off and noise; JPEG 80."""
    large = sized(x, 768, 768)
    rows, columns = np.mgrid[:768, :768]
    moire = 6 * np.sin(0.31 * rows + 0.12 * columns) + 5 * np.sin(0.27 * columns)
    shown = clipped(large + moire[..., None])
    askew = seen_at(shown, float(r.uniform(2, 6)), float(r.uniform(0, 2 * np.pi)))
    turn = cv2.getRotationMatrix2D((384, 384), float(r.uniform(-2, 2)), 0.95)
    taken = cv2.warpAffine(askew, turn, (768, 768), flags=cv2.INTER_CUBIC, borderValue=(40, 40, 40))
    blurred = cv2.GaussianBlur(taken, (0, 0), 1.2).astype(np.float32)
    light = 1 - 0.2 * np.hypot(rows - 384, columns - 300)[..., None] / 768
    return jpeg(clipped(blurred * light + r.normal(0, 4, blurred.shape)), 80)


def carved(share: float) -> Change:
    """Seam carving: the seams of least energy are removed, by dynamic programming."""

    def change(x: Rgb, r: np.random.Generator) -> Rgb:
        image = x.copy()
        for _ in range(round(share * x.shape[1])):
            image = without_seam(image)
        return image

    return change


def without_seam(rgb: Rgb) -> Rgb:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    energy = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    cost = energy.copy()
    for row in range(1, len(cost)):
        above = np.pad(cost[row - 1], 1, constant_values=np.inf)
        cost[row] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
    kept = np.ones(grey.shape, np.bool_)
    column = int(cost[-1].argmin())
    for row in range(len(cost) - 1, -1, -1):
        kept[row, column] = False
        low = max(column - 1, 0)
        column = low + int(cost[row - 1, low : column + 2].argmin()) if row else column
    return rgb[kept].reshape(rgb.shape[0], -1, 3)


FAMILIES: dict[str, Change] = {
    "inset 33 % of a busy page": inset(0.33),
    "inset 40 %": inset(0.40),
    "inset 50 %": inset(0.50),
    "inset 65 %": inset(0.65),
    "desktop screenshot, picture of 300 to 480 px, JPEG 85": desktop,
    "phone screenshot, JPEG 85": phone,
    "perspective 4 degrees": perspective(4),
    "perspective 6": perspective(6),
    "perspective 8": perspective(8),
    "perspective 10": perspective(10),
    "shear 4 %": sheared(0.04),
    "shear 6 %": sheared(0.06),
    "printed and scanned, simulated": print_scan,
    "photograph of a screen, simulated": screen_photo,
    "seam carving 10 %": carved(0.10),
}
COLLAGE = "collage 2 x 2, every id"


def collages(marked: list[Rgb]) -> list[tuple[Rgb, set[int]]]:
    """Each image with the three after it, at 400 px."""
    small, count = [sized(x, 400, 400) for x in marked], len(marked)
    groups = [[(first + step) % count for step in range(4)] for first in range(count)]
    return [
        (np.vstack([np.hstack([small[a], small[b]]), np.hstack([small[c], small[d]])]), {a, b, c, d})
        for a, b, c, d in groups
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=12, help="marked photographs (default 12)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only families whose names contain one of these")
    parser.add_argument("--thorough", action="store_true", help="search thoroughly where nothing was found")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    codec = Codec(Keyring.from_secret(b"benchmark keyring, not for use"))
    images = list(other_photos())[:: max(1, 48 // options.pictures)][: options.pictures]
    marked = [codec.embed(x, number) for number, x in enumerate(images)]
    print("| copy | usual search | thorough search |\n|---|---|---|")
    cases = {COLLAGE: collages(marked)} | {
        name: [(change(x, np.random.default_rng(number)), {number}) for number, x in enumerate(marked)]
        for name, change in FAMILIES.items()
        if not options.only or any(part in name for part in options.only)
    }
    for name, copies in cases.items():
        usual = [wanted <= ids(codec, copy, Effort.USUAL) for copy, wanted in copies]
        more = sum(
            wanted <= ids(codec, copy, Effort.THOROUGH)
            for (copy, wanted), found in zip(copies, usual, strict=True)
            if options.thorough and not found
        )
        after = f"{sum(usual) + more} of {len(usual)}" if options.thorough else ""
        print(f"| {name} | {sum(usual)} of {len(usual)} | {after} |", flush=True)
    for effort in (Effort.FAST, Effort.USUAL, *([Effort.THOROUGH] if options.thorough else [])):
        times = [timed(codec, x, effort) for x in images[:5]]
        print(f"\nA miss, {effort.value} search: {1e3 * float(np.median(times)):.0f} ms of CPU time, median.")


def ids(codec: Codec, copy: Rgb, effort: Effort) -> set[int]:
    return {reading.mark_id for reading in codec.read(np.ascontiguousarray(copy), effort).readings}


def timed(codec: Codec, rgb: Rgb, effort: Effort) -> float:
    start = time.process_time()
    codec.read(rgb, effort)
    return time.process_time() - start


if __name__ == "__main__":
    main()
