"""What isolated parsing costs: time in a worker against this process, and the memory that each format needs.

    python benchmarks/parsing.py            # milliseconds, medians, JPEG and PNG of 256 px to 4 megapixels
    python benchmarks/parsing.py --memory   # bytes a pixel at the decoder's peak, against the budget of its header

The budget must never be below the peak: `service/media/headers` holds its figures.
"""

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, whose modules workers would import

from service.media.headers import scan
from service.media.isolation.pool import ParserPool
from service.media.pictures import ImageLimits, decode

SIDES = (256, 512, 1024, 2048)
MEMORY_SIDE = 4000
LIMITS = ImageLimits(1 << 28, 1 << 28, 60.0)

_PEAK = """
import sys
def peak():  # not ru_maxrss, which begins with the peak of the process that started this one
    return 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
from service.media.decoding import decode
data = open(sys.argv[1], "rb").read()
out = memoryview(bytearray(3 * int(sys.argv[2])))
out[:] = bytes(len(out))
before = peak()
decode(data, out=out, max_pixels=1 << 28)
print(peak() - before)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    lines = memory() if options.memory else times(options.rounds)
    for line in lines:
        print(line, flush=True)


def times(rounds: int) -> Iterator[str]:
    """Alternating rounds, so that a busy machine slows both alike."""
    pool = ParserPool(1, 1 << 30)
    pool.start()
    isolated = ImageLimits(LIMITS.max_bytes, LIMITS.max_pixels, LIMITS.seconds, pool)
    yield "| file | in process, ms | in a worker, ms | difference, ms |\n|---|---|---|---|"
    for side in SIDES:
        for form, extra in (("JPEG", {"quality": 90}), ("PNG", {"compress_level": 1})):
            data = encoded(scene(side), form, **extra)
            here, there, difference = list[float](), list[float](), list[float]()
            for _ in range(rounds):
                here.append(milliseconds(data, LIMITS))
                there.append(milliseconds(data, isolated))
                difference.append(there[-1] - here[-1])
            medians = (statistics.median(each) for each in (here, there, difference))
            yield f"| {form} {side} x {side} | " + " | ".join(f"{value:.1f}" for value in medians) + " |"
    pool.close()


def memory() -> Iterator[str]:
    yield "| file | peak, bytes/px | budget, bytes/px | |\n|---|---|---|---|"
    for name, data in files(MEMORY_SIDE):
        header = scan(data)
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            command = [sys.executable, "-c", _PEAK, file.name, str(header.pixels)]
            peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found, allowed = peak / header.pixels, header.memory / header.pixels
        yield f"| {name} | {found:.1f} | {allowed:.1f} | {'' if found <= allowed else 'TOO LOW'} |"


def files(side: int) -> Iterator[tuple[str, bytes]]:
    """One file of each way to hold pixels in memory."""
    rgb = scene(side)
    clear = rgb.copy()
    clear.putalpha(rgb.convert("L"))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "JPEG", encoded(rgb, "JPEG")
    yield "JPEG, profile", encoded(rgb, "JPEG", icc_profile=profile)
    yield "JPEG, turned", encoded(rgb, "JPEG", exif=turned())
    yield "JPEG, progressive 4:2:0", encoded(rgb, "JPEG", progressive=True)
    yield "JPEG, progressive 4:4:4", encoded(rgb, "JPEG", progressive=True, subsampling=0)
    yield "JPEG, CMYK", encoded(rgb.convert("CMYK"), "JPEG")
    yield "JPEG, grey", encoded(rgb.convert("L"), "JPEG")
    yield "PNG", encoded(rgb, "PNG", compress_level=1)
    yield "PNG, profile", encoded(rgb, "PNG", compress_level=1, icc_profile=profile)
    yield "PNG, alpha", encoded(clear, "PNG", compress_level=1)
    yield "PNG, palette, transparent", encoded(rgb.convert("P"), "PNG", compress_level=1, transparency=0)
    deep = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    yield "PNG, 16 bits", encoded(Image.fromarray(deep), "PNG", compress_level=1)
    yield "PNG, 1 bit", encoded(rgb.convert("1"), "PNG")
    yield "WebP", encoded(rgb, "WEBP", method=0)
    yield "WebP, lossless", encoded(Image.new("RGB", rgb.size, (120, 50, 3)), "WEBP", lossless=True, method=0)
    yield "WebP, lossless, photograph", encoded(rgb, "WEBP", lossless=True, method=0)
    yield "WebP, alpha", encoded(clear, "WEBP", method=0)
    yield "AVIF 4:2:0", encoded(rgb, "AVIF", speed=10)
    yield "AVIF 4:4:4, alpha", encoded(clear, "AVIF", speed=10, subsampling="4:4:4")
    yield "TIFF", encoded(rgb, "TIFF")
    yield "TIFF, LZW", encoded(rgb, "TIFF", compression="tiff_lzw")
    yield "TIFF, JPEG", encoded(rgb, "TIFF", compression="jpeg")
    yield "TIFF, LZW, CMYK", encoded(rgb.convert("CMYK"), "TIFF", compression="tiff_lzw")
    yield "TIFF, one strip", encoded(rgb, "TIFF", compression="tiff_lzw", strip_size=1 << 30)
    yield "TIFF, Lab", encoded(Image.merge("LAB", rgb.split()), "TIFF", compression="tiff_lzw")
    yield "TIFF, 16 bits", encoded(Image.fromarray(deep), "TIFF")


def scene(side: int) -> Image.Image:
    """Smooth colours, like those of a photograph."""
    small = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def milliseconds(data: bytes, limits: ImageLimits) -> float:
    start = time.perf_counter()
    decode(data, limits)
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
