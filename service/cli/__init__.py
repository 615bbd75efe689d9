"""The command line: parse, call one use case, present the result."""

import os
import sys

from service.cli import guard


def main() -> None:
    """Entry point of the `countermark` console script. The guard runs before any other of our packages is imported."""
    # Before NumPy is imported: our matrices are small, and BLAS threads that wait for work burn a core each.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        guard.check()
    except guard.ForeignPackage as foreign:
        print(f"countermark: {foreign}", file=sys.stderr)
        sys.exit(70)
    from service.cli.app import run  # noqa: PLC0415 - see the docstring

    run()
