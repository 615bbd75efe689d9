"""Throughput of POST /v1/detect with 1, 8 and 32 clients, compared with the bare ONNX session on the same images.

    python benchmarks/serving.py [--home DIR] [--pictures N] [--side PX]

The server runs in its own process with `--threads` threads; the bare session has as many and gets prepared tensors.
Server and session alternate; figures are medians of three rounds. --home is a COUNTERMARK_HOME with the pulled encoder,
which both then use. Prints Markdown.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from detectors import Encoder, Synthetic
from detectors.synthetic.views import crops, encoder_view, working_copy
from models import find_card

CLIENTS = (1, 8, 32)
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a COUNTERMARK_HOME with the pulled encoder")
    parser.add_argument("--pictures", type=int, default=64, help="images per round (default 64)")
    parser.add_argument("--side", type=int, default=512, help="width and height in pixels (default 512)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    images = [photo(number, options.side) for number in range(8)]
    files = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes() for image in images]
    bare = bare_session(images, options)
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        server = Server(home, options.threads)
        try:
            rounds: dict[object, list[float]] = {"bare": [], **{clients: [] for clients in CLIENTS}}
            for _ in range(ROUNDS):
                rounds["bare"].append(rate(bare, options.pictures))
                for clients in CLIENTS:
                    rounds[clients].append(asyncio.run(server.rate(files, clients, options.pictures)))
        finally:
            server.stop()
    bare_rate = statistics.median(rounds["bare"])
    print("| clients | images per second | share of the bare session |\n|---|---|---|")
    print(f"| bare session | {bare_rate:.1f} | 1 |")
    for clients in CLIENTS:
        served = statistics.median(rounds[clients])
        print(f"| {clients} | {served:.1f} | {served / bare_rate:.2f} |")


def photo(number: int, side: int) -> np.ndarray:
    """Smooth noise, which takes as long to decode as a photo."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (side // 16, side // 16, 3), np.uint8)
    result: np.ndarray = cv2.add(
        cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), rng.integers(0, 20, (side, side, 3), np.uint8)
    )
    return result


def bare_session(images: list[np.ndarray], options: argparse.Namespace) -> Callable[[int], object]:
    """A function that runs the model on the tensors of image number i."""
    working = [working_copy(image) for image in images]
    if options.home:
        encoder = Encoder(find_card("clip-vit-b16").kept_in(options.home / "models"), threads=options.threads)
        views = [encoder_view(one)[None] for one in working]
        return lambda i: encoder(views[i % len(views)])
    network = Synthetic(threads=options.threads)._model
    batches = [np.ascontiguousarray(crops(one).transpose(0, 3, 1, 2), dtype=np.float32) for one in working]
    return lambda i: network._session.run(batches[i % len(batches)])


def wait_until_up(url: str) -> None:
    """Raises TimeoutError after a minute."""
    for _ in range(600):
        try:
            httpx.get(f"{url}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start within a minute")


def rate(work: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    for number in range(count):
        work(number)
    return count / (time.perf_counter() - start)


class Server:
    """`countermark serve` in its own process."""

    def __init__(self, home: Path, threads: int) -> None:
        settings = {"COUNTERMARK_HOME": str(home), "COUNTERMARK_PORT": "8765", "COUNTERMARK_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            env={**os.environ, **settings, "COUNTERMARK_LOG_LEVEL": "error"},
            stdout=subprocess.DEVNULL,
        )
        self._url = "http://127.0.0.1:8765"
        wait_until_up(self._url)

    async def rate(self, files: list[bytes], clients: int, count: int) -> float:
        async with httpx.AsyncClient(timeout=120) as session:
            await self._post(session, files[0])  # load the models and open a connection before the clock starts
            numbers = iter(range(count))
            start = time.perf_counter()
            await asyncio.gather(*(self._client(session, files, numbers) for _ in range(clients)))
            return count / (time.perf_counter() - start)

    async def _client(self, session: httpx.AsyncClient, files: list[bytes], numbers: Iterator[int]) -> None:
        for number in numbers:
            await self._post(session, files[number % len(files)])

    async def _post(self, session: httpx.AsyncClient, data: bytes) -> None:
        answer = await session.post(f"{self._url}/v1/detect", content=data, headers={"content-type": "image/jpeg"})
        answer.raise_for_status()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


if __name__ == "__main__":
    main()
