#!/usr/bin/env python3
"""Ask the advisory database of PyPI about every package in requirements/*.lock. Fails if one has a known vulnerability.

Where the database cannot be reached it says what was not audited, and does not fail: the checks also run offline.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.lock import FOLDER, split

SECONDS = 120


@dataclass(frozen=True)
class Audit:
    """What is known about some packages."""

    known: int
    """Packages that the database knows."""
    asked: int
    vulnerable: tuple[str, ...]
    """Lines for people: package, version, id of the advisory, and where it is fixed."""


def main() -> int:
    result = ask(every_package())
    if result is None or not result.known:
        print("not audited: requirements/*.lock (the advisory database cannot be reached)", file=sys.stderr)
        return 0
    if result.known < result.asked:
        print(f"not audited: {result.asked - result.known} packages that the database does not know", file=sys.stderr)
    for line in result.vulnerable:
        print(line, file=sys.stderr)
    return int(bool(result.vulnerable))


def every_package() -> str:
    """One requirements file of what all locks install. They agree on versions, but for the two builds of torch."""
    locks = (lock.read_text(encoding="utf-8") for lock in sorted(FOLDER.glob("*.lock")) if lock.stem != "torch-cpu")
    return "".join({name: text for lock in locks for name, text in split(lock).items()}.values())


def ask(requirements: str) -> Audit | None:
    """What pip-audit says about a requirements file; None if it says nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner=off"]
        try:
            done = subprocess.run(  # noqa: S603
                [*command, "--format=json", "-r", file.name],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            return read(done.stdout)
        except (subprocess.TimeoutExpired, ValueError):  # no JSON
            return None


def read(text: str) -> Audit:
    """pip-audit's JSON. Raises ValueError for anything else."""
    packages = json.loads(text)["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    vulnerable = tuple(
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {', '.join(advisory['fix_versions'])}"
        for package in known
        for advisory in package["vulns"]
    )
    return Audit(len(known), len(packages), vulnerable)


if __name__ == "__main__":
    sys.exit(main())
