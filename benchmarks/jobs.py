"""Kill the processes that work on jobs (SIGKILL) again and again, and look for a job that was lost or released twice.

    python benchmarks/jobs.py --jobs 200 --database sqlite
    python benchmarks/jobs.py --jobs 200 --database postgresql

Takes on jobs of one image each, lets two processes with two workers each work on them, over a backend that paints at
once, and kills one of them at random moments until no job is left. Then every job must have ended with its image, the
ledger must have exactly as many images as there were jobs, each file must be the one in the ledger, and the audit must
find nothing. Exits 1 otherwise. Prints how often it killed, how many jobs were begun more than once, and the time.
"""

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.installation import Installation, open_installation
from service.kit import logs
from service.kit.settings import Settings
from tests.support import postgres
from tests.support.job_workers import check, start, submit, unfinished

_PROCESSES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="jobs of one image (default 200)")
    parser.add_argument("--pause", type=float, help="longest seconds between two kills (default: three jobs' time)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments (default 0)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    logs.configure("error")
    with tempfile.TemporaryDirectory() as folder, database(options.database) as url:
        settings = Settings(home=Path(folder) / "home", threads=1, database_url=url, job_queue=options.jobs)
        installation = open_installation(settings)
        own = {"HOME": str(settings.home), **({"DATABASE_URL": url} if url else {})}
        jobs = submit(installation, 1)
        pause = options.pause or 3 * undisturbed(own)
        began = time.monotonic()
        jobs += submit(installation, options.jobs - 1)
        taken_on = time.monotonic() - began
        kills = work(installation, own, random.Random(options.seed), pause)
        again = sum(installation.jobs.find(number).version > 4 for number in jobs)
        check(installation, jobs)
        seconds = time.monotonic() - began
        print(f"{options.database}: {options.jobs} jobs taken on in {taken_on:.1f} s, all ended in {seconds:.0f} s")
        print(f"{kills} processes killed, one every {pause / 2:.1f} s on average; {again} jobs begun more than once")
        print(f"lost: 0; released twice: 0; images in the ledger: {installation.ledger.verify().images}")
        installation.close()


@contextlib.contextmanager
def database(kind: str) -> Iterator[str | None]:
    """The URL of an empty database; None for a file in the home folder."""
    if kind == "sqlite":
        yield None
        return
    if postgres.WITHOUT_POSTGRESQL:
        sys.exit(postgres.WITHOUT_POSTGRESQL)
    with postgres.server() as address, postgres.database(address) as url:
        yield url


def undisturbed(own: dict[str, str]) -> float:
    """Seconds that a process takes to start and to do what waits."""
    began = time.monotonic()
    process = start(own)
    process.join()
    return time.monotonic() - began


def work(installation: Installation, own: dict[str, str], rng: random.Random, pause: float) -> int:
    """Work until no job is left; how many processes were killed meanwhile."""
    kills = 0
    processes: list[ForkServerProcess] = [start(own) for _ in range(_PROCESSES)]
    while unfinished(installation):
        time.sleep(rng.uniform(0.2, pause))
        victim = rng.randrange(_PROCESSES)
        processes[victim].kill()
        processes[victim].join()
        kills += processes[victim].exitcode == -signal.SIGKILL
        processes[victim] = start(own)
    for process in processes:
        process.join()
    return kills


if __name__ == "__main__":
    main()
