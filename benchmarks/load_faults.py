"""Mixed traffic for minutes while things break: what clients see, and whether anything is lost.

    python benchmarks/load_faults.py [--minutes 10] [--workers 1] [--clients 8]

A server of its own with PostgreSQL of its own. Clients examine, classify, generate and order jobs, one request after
another. Meanwhile PostgreSQL is restarted, a worker is killed (with one: a process that reads files), and the disk of
the home folder is filled for a while (where this runs as root: it is a small tmpfs then). At the end every image that
a client has must be in the ledger exactly as it was received, every job must have ended, and the audit must find
nothing. An answer of 5xx that is not a typed problem, or anything lost, ends it with 1. Prints Markdown. Linux.
"""

import argparse
import base64
import collections
import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import photo
from service.installation import open_installation
from service.kit.settings import Settings
from service.media.pictures import encode
from tests.support import postgres

HOME_BYTES = 400 << 20
_PAUSE = 1.0  # of a client that was told to come back
_DISK_SECONDS = 5.0
_LAST_SECONDS = 60.0  # between two ends of jobs that are on their way


@dataclass(slots=True)
class Seen:
    """What clients were answered, by what they asked for; the images that they have; jobs that they were promised."""

    answers: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)
    untyped: list[str] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long clients ask (default 10)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (default 1)")
    parser.add_argument("--clients", type=int, default=8, help="clients at once (default 8)")
    options = parser.parse_args()
    if postgres.WITHOUT_POSTGRESQL:
        sys.exit(postgres.WITHOUT_POSTGRESQL)
    seen = Seen()
    with postgres.server() as address, home() as folder:
        url = address.format(database="postgres")
        with serving(folder, url, options.workers) as (at, pid):
            faults = [
                ("PostgreSQL restarted", lambda: restart(url)),
                ("a worker killed", lambda: kill(pid, options.workers)),
                ("the disk full for 5 s", lambda: fill(folder)),
            ]
            run(at, options, faults, seen)
            finish(at, seen)
        lost = missing(folder, url, seen)
    report(options, seen, lost)
    sys.exit(bool(lost or seen.untyped))


@contextlib.contextmanager
def home() -> Iterator[Path]:
    """A home folder; as root on a disk of its own that can be filled."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        mounted = os.geteuid() == 0 and not subprocess.call(
            ["mount", "-t", "tmpfs", "-o", f"size={HOME_BYTES}", "tmpfs", scratch]
        )
        try:
            yield folder
        finally:
            if mounted:
                subprocess.check_call(["umount", "-l", scratch])


@contextlib.contextmanager
def serving(folder: Path, url: str, workers: int) -> Iterator[tuple[str, int]]:
    """The server's address and process."""
    settings = {
        "COUNTERMARK_HOME": str(folder),
        "COUNTERMARK_DATABASE_URL": url,
        "COUNTERMARK_LOG_LEVEL": "error",
        "COUNTERMARK_THREADS": "1",
        "COUNTERMARK_PORT": "8773",
    }
    command = [sys.executable, "-m", "service", "serve", "--workers", str(workers)]
    at = f"http://127.0.0.1:{settings['COUNTERMARK_PORT']}"
    with subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(1200):
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{at}/readyz").status_code == 200:
                        break
                time.sleep(0.1)
            yield at, server.pid
        finally:
            server.terminate()
            server.wait(60)


def run(at: str, options: argparse.Namespace, faults: list[tuple[str, Callable[[], str]]], seen: Seen) -> None:
    """Let clients ask for so many minutes, and break one thing after the other meanwhile."""
    seconds = options.minutes * 60
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(at, number, end, seen)) for number in range(options.clients)]
    for thread in threads:
        thread.start()
    for name, cause in faults:
        time.sleep(seconds / (len(faults) + 1))
        print(f"{name}: {cause()}", file=sys.stderr, flush=True)
        seen.faults.append(name)
    for thread in threads:
        thread.join()


def client(at: str, number: int, end: float, seen: Seen) -> None:
    """Ask for one thing after another, each client in an order of its own."""
    image = encode(photo(number, 512), "jpeg")[0]
    kinds = (examine, detect, generate, job)
    while time.monotonic() < end:
        number += 1
        kind = kinds[number % len(kinds)]
        try:
            answer = kind(at, image, number)
        except httpx.TransportError as gone:
            seen.answers[kind.__name__, f"connection lost ({type(gone).__name__})"] += 1
            time.sleep(_PAUSE)
            continue
        what = str(answer.status_code)
        if answer.status_code >= 400:
            code = typed(answer)
            what += f" {code or 'NOT TYPED'}"
            if code is None or (answer.status_code >= 500 and code == "internal"):
                seen.untyped.append(f"{kind.__name__}: {answer.status_code} {answer.text[:200]}")
            time.sleep(_PAUSE)
        elif kind is generate:
            seen.images.append(base64.b64decode(answer.json()["data"][0]["b64_json"]))
        elif kind is job:
            seen.jobs.append(answer.json()["id"])
        seen.answers[kind.__name__, what] += 1


def examine(at: str, image: bytes, number: int) -> httpx.Response:
    return httpx.post(f"{at}/v1/inspect", content=image, timeout=120)


def detect(at: str, image: bytes, number: int) -> httpx.Response:
    return httpx.post(f"{at}/v1/detect", content=image, timeout=120)


def generate(at: str, image: bytes, number: int) -> httpx.Response:
    order = {"prompt": "a red fox in the snow", "response_format": "b64_json"}
    return httpx.post(f"{at}/v1/images/generations", json=order, timeout=120)


def job(at: str, image: bytes, number: int) -> httpx.Response:
    order = {"prompt": "a frog in a meadow", "async": True}
    return httpx.post(f"{at}/v1/images/generations", json=order, timeout=120)


def typed(answer: httpx.Response) -> str | None:
    """The code of a problem; None for an answer that is none."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return None


def restart(url: str) -> str:
    """Restart PostgreSQL as an operator does: what is under way there ends."""
    folder = Path(str(make_url(url).query["unix_sock"])).parent
    binaries = postgres._binaries()
    assert binaries is not None
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c autovacuum=off"
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    command = [str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-w", "-m", "fast", "-l", str(folder / "log")]
    subprocess.run([*command, "-o", options, "restart"], check=True, capture_output=True, cwd=folder, **who)  # type: ignore[call-overload]
    return "restarted"


def kill(pid: int, workers: int) -> str:
    """Kill a worker, or with one process a process that reads files for it."""
    tasks = Path(f"/proc/{pid}/task").iterdir()  # a child belongs to the thread that started it
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    os.kill(int(children[0]), signal.SIGKILL)
    return f"process {children[0]} of {len(children)}"


def fill(folder: Path) -> str:
    """Fill the disk of the home folder for a while, where it is one of its own."""
    if not os.path.ismount(folder):
        return "NOT DONE: needs root"
    full = folder / "full"
    with contextlib.suppress(OSError), full.open("wb") as file:
        while True:
            file.write(bytes(1 << 20))
    time.sleep(_DISK_SECONDS)
    left = shutil.disk_usage(folder).free
    full.unlink()
    return f"{left} bytes were left"


def finish(at: str, seen: Seen) -> None:
    """Wait for the jobs that clients were promised, as long as one of them ends now and then."""
    waiting = collections.deque(seen.jobs)
    end = time.monotonic() + _LAST_SECONDS
    while waiting and time.monotonic() < end:
        answer = httpx.get(f"{at}/v1/jobs/{waiting[0]}", timeout=60)
        if answer.status_code == 200 and answer.json()["status"] in ("succeeded", "failed", "cancelled"):
            seen.answers["job ended", answer.json()["status"]] += 1
            waiting.popleft()
            end = time.monotonic() + _LAST_SECONDS
        else:
            time.sleep(0.2)
    if waiting:
        seen.untyped.append(f"{len(waiting)} jobs did not end")


def missing(folder: Path, url: str, seen: Seen) -> list[str]:
    """What clients have and the ledger does not, and what the audit finds."""
    with contextlib.closing(open_installation(Settings(home=folder, database_url=url, parser_processes=0))) as opened:
        audit = opened.ledger.verify()
        hashes = [hashlib.sha256(image).hexdigest() for image in seen.images]
        lost = [f"image {each[:12]} is not in the ledger" for each in hashes if opened.ledger.by_sha256(each) is None]
        seen.answers["the ledger", f"{audit.images} images, {audit.decisions} decisions"] += 1
        return [*audit.problems, *lost]


def report(options: argparse.Namespace, seen: Seen, lost: list[str]) -> None:
    print(f"{options.minutes:g} minutes, {options.clients} clients, {options.workers} process(es) that serve; ", end="")
    print(f"faults: {', '.join(seen.faults)}\n")
    print("| asked for | answer | times |\n|---|---|---|")
    for (kind, what), times in sorted(seen.answers.items()):
        print(f"| {re.sub('_', ' ', kind)} | {what} | {times} |")
    print(f"\nNot typed: {len(seen.untyped)}. Lost: {len(lost)}.")
    for line in [*seen.untyped[:10], *lost[:10]]:
        print(f"- {line}")


if __name__ == "__main__":
    main()
