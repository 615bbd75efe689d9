"""Scripts in Node.js, with the packages that scripts/test installed beside the environment."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
NPM = ROOT / ".venv" / "npm" / "node_modules"
"""The installed packages (tests/compat/npm/package.json); not there without Node.js."""
_LONGEST = 120


def run_module(script: str, folder: Path, *arguments: str) -> str:
    """What an ES module prints that runs in `folder`. Raises AssertionError with its complaint if it fails."""
    link = folder / "node_modules"
    if not link.exists():
        link.symlink_to(NPM)
    module = folder / "script.mjs"
    module.write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["node", str(module), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=_LONGEST,
        env={name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
