"""Many clients for minutes: latency, memory and rate of POST /v1/inspect, against the bare work in one process.

    python benchmarks/load.py [--minutes 10] [--clients 32] [--side 1024]

The server runs in a process of its own with its default settings. Every client sends one JPEG after another, at once.
The bare work is the same examination of the same files in this process, with as many threads and without workers that
parse; it runs before and after the load, for a tenth of its time each, because machines drift. Prints Markdown. Ends
with 1 if an answer was neither a report nor `busy`. Linux.
"""

import argparse
import collections
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import photo, wait_until_up
from service.installation import open_installation
from service.kit.settings import Settings

PORT = 8767
URL = f"http://127.0.0.1:{PORT}"
IMAGE_THREADS = 4  # of the server (service/api/dependencies.py)
MB = 1 << 20


@dataclass
class Seen:
    """What the clients saw. Lists only grow by one at a time, so that threads may share them."""

    seconds: list[float] = field(default_factory=list)
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--side", type=int, default=1024, help="width and height in pixels (default 1024)")
    options = parser.parse_args()
    images = [photo(number, options.side) for number in range(16)]
    files = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes() for image in images]
    seconds = 60 * options.minutes
    before = bare_rate(files, seconds / 10)
    with serving() as process:
        load(files, options.clients, 10)  # models load, caches fill
        start_memory, seen, peaks = memory(process.pid), Seen(), []
        with watching(lambda: peaks.append(memory(process.pid))):
            took = load(files, options.clients, seconds, seen)
        end_memory = memory(process.pid)
    after = bare_rate(files, seconds / 10)
    report(options, seen, (before, after), (start_memory, max(peaks, default=0), end_memory), took)
    sys.exit(any(status not in (200, 429) for status in seen.statuses))


def bare_rate(files: list[bytes], seconds: float) -> float:
    """Examinations a second in this process."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), parser_processes=0)
        with closing(open_installation(settings)) as installation:
            examine = installation.examiner.examine
            for data in files[:2]:
                examine(data)
            end, done = time.perf_counter() + seconds, collections.Counter[int]()

            def work(number: int) -> None:
                while time.perf_counter() < end:
                    examine(files[(number + done[number]) % len(files)])
                    done[number] += 1

            start = time.perf_counter()
            with ThreadPoolExecutor(IMAGE_THREADS) as threads:
                list(threads.map(work, range(IMAGE_THREADS)))
            return done.total() / (time.perf_counter() - start)


@contextmanager
def serving() -> Iterator["subprocess.Popen[bytes]"]:
    with tempfile.TemporaryDirectory() as home:
        settings = {"COUNTERMARK_HOME": home, "COUNTERMARK_PORT": str(PORT), "COUNTERMARK_LOG_LEVEL": "error"}
        command = [sys.executable, "-m", "service", "serve"]
        with subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL) as process:
            try:
                wait_until_up(URL)
                yield process
            finally:
                process.terminate()


def load(files: list[bytes], clients: int, seconds: float, seen: Seen | None = None) -> float:
    """Each client sends files until the time is over, and waits for its last answer; a `busy` one waits a second.

    Returns the seconds that all of it took.
    """
    found, began = seen if seen is not None else Seen(), time.perf_counter()
    end = began + seconds

    def client(number: int) -> None:
        with httpx.Client(timeout=300) as session:
            while (start := time.perf_counter()) < end:
                number += 1
                answer = session.post(f"{URL}/v1/inspect", content=files[number % len(files)])
                found.seconds.append(time.perf_counter() - start)
                found.statuses[answer.status_code] += 1
                if answer.status_code == 429:
                    time.sleep(1)

    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(client, range(clients)))
    return time.perf_counter() - began


@contextmanager
def watching(look: Callable[[], object], every: float = 2) -> Iterator[None]:
    """Call `look` every so many seconds inside the `with` block."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every):
            look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def memory(pid: int) -> int:
    """Resident bytes of a process and its children; what they share counts once for each."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(resident, (pid, *map(int, children))))


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0  # a worker that has just ended


def report(
    options: argparse.Namespace, seen: Seen, bare: tuple[float, float], sizes: tuple[int, int, int], took: float
) -> None:
    served = seen.statuses[200] / took
    ordered = sorted(seen.seconds)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    print(f"{options.clients} clients, {options.minutes:g} minutes, JPEG of {options.side} x {options.side} px\n")
    print("| | |\n|---|---|")
    print(f"| answers by status | {', '.join(f'{code}: {count}' for code, count in sorted(seen.statuses.items()))} |")
    print(f"| examinations a second | {served:.2f} |")
    print(f"| bare work before, after | {bare[0]:.2f}, {bare[1]:.2f} |")
    print(f"| share of the bare work | {served / statistics.mean(bare):.2f} |")
    print(f"| p50, p99 | {p50:.2f} s, {p99:.2f} s |")
    print(f"| resident at start, peak, end | {', '.join(f'{size / MB:.0f}' for size in sizes)} MiB |")


if __name__ == "__main__":
    main()
