"""Attacks by files: bombs of memory and time, alone and eight at once, and libraries that write where they like.

    python benchmarks/attacks.py --only memory

Starts a server with the default settings in a process of its own and sends it files; takes about two minutes. Each
function returns rows (name, before, after, held): `before` is what version 0.1 did. Linux.
"""

import io
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.attack_rows import Row

ROOT = Path(__file__).resolve().parents[2]
MB = 1 << 20
AT_ONCE = 8
START = """
import sys
sys.path.insert(0, sys.argv[1])
from contextlib import closing
from pathlib import Path
from service.api import create_app, server
from service.installation import open_installation
from service.kit.settings import Settings

settings = Settings(home=Path(sys.argv[2]), threads=1, log_level="error")
with closing(open_installation(settings)) as installation:
    installation.limits.parsers.start()
    installation.classifier
    server.serve(create_app(installation), settings, "127.0.0.1", int(sys.argv[3]))
"""

# In a process of its own: the threads here that send files would be measured with it.
ASK = """
import select, sys, time, urllib.request
while not select.select([sys.stdin], [], [], 0.05)[0]:
    start = time.perf_counter()
    urllib.request.urlopen(sys.argv[1], timeout=120).read()
    print(time.perf_counter() - start)
"""


@dataclass
class Watched:
    """A server, and what was seen of it: peak memory with its workers (bytes), and seconds of `/healthz`."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    peak: int = 0
    waits: list[float] = field(default_factory=list)

    def memory(self) -> int:
        """Resident bytes of the server and its workers; what they share counts once for each."""
        return sum(map(_resident, (self.process.pid, *_children(self.process.pid))))

    def get(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120) as answer:
            return int(answer.status)

    def post(self, data: bytes) -> tuple[int, float]:
        """The status of `/v1/inspect`, and the seconds it took."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/inspect", data, method="POST")
        start = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                status = answer.status
        except urllib.error.HTTPError as refused:
            status = refused.code
        return int(status), time.perf_counter() - start


def bomb_alone() -> list[Row]:
    """42 bytes that become 64 megapixels."""
    with server() as served, watched(served):
        before = served.memory()
        status, seconds = served.post(flat_webp(8000))
    taken = served.peak - before
    name = "8000 x 8000 lossless WebP of 42 bytes"
    after = f"{status} in {seconds:.2f} s, {taken / MB:,.0f} MB more"
    return [Row(name, "2.1 GB, 5 s", after, status == 413 and taken < 400 * MB)]


def bombs_at_once() -> list[Row]:
    """Eight at once: bombs that are refused, and the largest files that are not."""
    scene = photograph(8000)
    files = {
        "8 WebP bombs at once": flat_webp(8000),
        "8 JPEGs of 64 megapixels at once": encoded(scene, "JPEG", quality=50),
        "8 lossless WebPs of 40 megapixels at once": flat_webp(6300),
    }
    return [_at_once(name, data) for name, data in files.items()]


def _at_once(name: str, data: bytes) -> Row:
    answers: list[tuple[int, float]] = []
    with server() as served:
        served.post(encoded(photograph(256), "PNG"))  # everything is loaded
        with watched(served):
            threads = [threading.Thread(target=lambda: answers.append(served.post(data))) for _ in range(AT_ONCE)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    slowest, statuses = max(served.waits, default=0.0), sorted({status for status, _ in answers})
    after = (
        f"{', '.join(map(str, statuses))}; {served.peak / MB:,.0f} MB in all; /healthz {1000 * slowest:.0f} ms at most"
    )
    return Row(name, "9.5 GB, /healthz 9.8 s", after, served.peak < 1500 * MB and slowest <= 0.1)


def chunks() -> list[Row]:
    """A PNG with a million empty chunks."""
    with server() as served:
        status, seconds = served.post(crowded_png(1_000_000))
    return [Row("PNG with 1,000,000 chunks, 12 MB", "17 s of a core", f"{status} in {seconds:.2f} s", status == 413)]


def libtiff() -> list[Row]:
    """A TIFF about which libtiff has much to say, to the server and to the command line."""
    data = broken_tiff()
    with server() as served:
        served.post(data)
        lines = sum(b"TIFF" in line for line in served.log.read_bytes().splitlines())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "broken.tiff"
        file.write_bytes(data)
        environment = {**os.environ, "COUNTERMARK_HOME": folder + "/home", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "service", "verify", str(file), str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, check=False, cwd=folder)
    lines += sum(b"TIFF" in line for line in done.stderr.splitlines())
    return [Row("A TIFF that libtiff warns of", "raw lines on standard error", f"{lines} lines", lines == 0)]


ATTACKS: Sequence[Callable[[], list[Row]]] = (bomb_alone, bombs_at_once, chunks, libtiff)


def flat_webp(side: int) -> bytes:
    return encoded(Image.new("RGB", (side, side), (120, 50, 3)), "WEBP", lossless=True, method=0)


def photograph(side: int) -> Image.Image:
    small = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def crowded_png(many: int) -> bytes:
    chunk = struct.pack(">I", 0) + b"prVt" + struct.pack(">I", zlib.crc32(b"prVt"))
    whole = encoded(photograph(64), "PNG")
    return whole[:33] + chunk * many + whole[33:]


def broken_tiff() -> bytes:
    """Its compressed strips are damaged."""
    whole = bytearray(encoded(photograph(256), "TIFF", compression="tiff_lzw"))
    whole[200:4000] = bytes(range(200)) * 19
    return bytes(whole)


@contextmanager
def server() -> Iterator[Watched]:
    """A server with the default settings, ready."""
    with tempfile.TemporaryDirectory() as folder:
        port, log = _free_port(), Path(folder) / "log"
        with log.open("wb") as output:
            command = [sys.executable, "-c", START, str(ROOT), folder + "/home", str(port)]
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
        served = Watched(port, process, log)
        try:
            _wait_until_ready(served)
            yield served
        finally:
            process.kill()
            process.wait()


@contextmanager
def watched(served: Watched) -> Iterator[None]:
    """Look at its memory every 20 ms and ask for `/healthz` every 50 ms, inside the block."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            served.peak = max(served.peak, served.memory())

    looking = threading.Thread(target=look)
    looking.start()
    command = [sys.executable, "-c", ASK, f"http://127.0.0.1:{served.port}/healthz"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        try:
            yield
        finally:
            over.set()
            looking.join()
            served.waits += map(float, asking.communicate()[0].split())


def _wait_until_ready(served: Watched) -> None:
    for _ in range(600):
        if served.process.poll() is not None:
            raise RuntimeError(served.log.read_text())
        try:
            served.get("/readyz")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0
