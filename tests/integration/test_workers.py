"""`countermark serve --workers 2`, as an operator starts it: one server, whichever process answers."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from service.access.api_keys import KeyTerms
from service.access.tenants import Terms
from service.installation import open_installation
from service.kit.settings import Settings
from service.media.pictures import encode
from tests.support import disk
from tests.support.painter import landscape
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
WORKERS = 2


LIMIT = 12
KEYLESS = 5


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, int]]:
    """The address of a server with two workers, and the supervisor's process."""
    chosen = {
        "COUNTERMARK_HOME": str(settings.home),
        "COUNTERMARK_PROVIDER": settings.provider,
        "COUNTERMARK_THREADS": "1",
        "COUNTERMARK_PARSER_PROCESSES": "1",
        "COUNTERMARK_LOG_LEVEL": "warning",
        "COUNTERMARK_PUBLIC_EXAMINATIONS": str(KEYLESS),
    }
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--workers", str(WORKERS)]
    environment = {**os.environ, **chosen}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        lines = iter(server.stderr.readline, "")
        found = next((m for line in lines if (m := re.search(r"workers serve on (http://\S+)", line))), None)
        assert found, "it did not start"
        try:
            yield found[1], server.pid
        finally:
            server.terminate()
            server.stderr.read()
            assert server.wait(60) == 0


def children(pid: int) -> list[int]:
    """The workers of a supervisor."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ask(url: str, key: str | None = None, path: str = "/v1/models") -> int:
    """The status of an answer on a new connection, which either worker may take."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.get(url + path, headers=headers, timeout=60).status_code


def generate(url: str, key: str) -> int:
    order = {"prompt": "a red fox in the snow"}
    headers = {"Authorization": f"Bearer {key}"}
    try:
        return httpx.post(f"{url}/v1/images/generations", json=order, headers=headers, timeout=60).status_code
    except httpx.TransportError:
        return 0  # its worker was killed


def examine(url: str) -> int:
    return httpx.post(
        f"{url}/v1/inspect", files={"file": encode(landscape(1, 64, 64), "png")[0]}, timeout=60
    ).status_code


def test_workers_are_one_server(settings: Settings, home_template: Path) -> None:
    if settings.database_url is None:
        disk.copy_home(home_template, settings)
    with closing(open_installation(settings)) as installation:
        limited = installation.tenants.add(Terms(name="limited"), KeyTerms(requests_per_minute=LIMIT)).key
        orders = installation.tenants.add(Terms(name="orders"))
        with serving(settings) as (url, supervisor):
            # Limits are those of the server, however its workers share the requests.
            asked = Counter(ask(url, limited) for _ in range(2 * LIMIT))
            assert asked.total() == 2 * LIMIT
            assert LIMIT <= asked[200] <= LIMIT + 2  # the bucket is refilled meanwhile
            assert asked[200] + asked[429] == 2 * LIMIT
            assert Counter(examine(url) for _ in range(KEYLESS + 3)) == {200: KEYLESS, 429: 3}

            # One that is killed is replaced, and nothing is issued without its row.
            before = set(children(supervisor))
            assert len(before) == WORKERS
            with ThreadPoolExecutor(4) as clients:
                answers = [clients.submit(generate, url, orders.key) for _ in range(8)]
                os.kill(min(before), signal.SIGKILL)
                got = Counter(answer.result() for answer in answers)
            assert set(got) <= {200, 0}
            until(lambda: len(set(children(supervisor)) - before) == 1)
            assert generate(url, orders.key) == 200
            audit = installation.ledger.verify()
            assert audit.problems == ()
            assert audit.images >= got[200] + 1

            # A key that is revoked elsewhere opens nothing any more, at either of them.
            installation.tenants.remove("orders")
            assert {ask(url, orders.key) for _ in range(12)} == {401}
