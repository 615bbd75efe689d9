"""Processes of a test's own, forked from one that has imported the service: importing takes longer than most of what
they do. A forked process has nothing of the test's own, such as a disk that is not waited for."""

import multiprocessing
import os

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["pytest", "tests.support.killing", "tests.support.job_workers", "tests.support.archives", "pyarrow.parquet"]
)


def exists(pid: int) -> bool:
    """Whether there is such a process, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
