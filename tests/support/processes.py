"""Processes of a test's own, forked from one that has imported the service: importing takes longer than most of what
they do. A forked process has nothing of the test's own, such as a disk that is not waited for."""

import multiprocessing

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["pytest", "tests.support.killing", "tests.support.job_workers", "tests.support.archives", "pyarrow.parquet"]
)
