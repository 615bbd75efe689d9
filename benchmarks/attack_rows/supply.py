"""What documents and packages promise: the type of errors in the OpenAPI document, hashes of what is installed.

    python benchmarks/attacks.py --only supply

Each function returns rows (name, before, after, held): `before` is what version 0.1 did.
"""

import re
import tempfile
from pathlib import Path

from benchmarks.attack_rows import Row
from service.api import create_app
from service.api.openapi import operations
from service.api.problems import MEDIA_TYPE
from service.installation import open_installation
from service.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
HASH = r"sha256:[0-9a-f]{64}"


def documented_errors() -> list[Row]:
    """Errors that the OpenAPI document describes as something else than is sent."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_installation(Settings(home=Path(folder), threads=1, parser_processes=0))
        document = create_app(opened).openapi()
        opened.close()
    wrong, right = 0, 0
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and "content" in response:
                wrong += set(response["content"]) != {MEDIA_TYPE}
                right += set(response["content"]) == {MEDIA_TYPE}
    after = f"{right} of {right + wrong} as {MEDIA_TYPE}"
    return [Row("errors in the OpenAPI document", "application/json", after, bool(right) and not wrong)]


def pinned() -> list[Row]:
    """Packages or a base image that somebody else could replace."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    default = re.findall(r"^ARG BASE=(\S+)", dockerfile, re.MULTILINE)
    bases = [
        base
        for named in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
        for base in (default if named == "${BASE}" else [named])
    ]
    floating = [base for base in bases if not re.search(f"@{HASH}$", base)]
    packages = unhashed = 0
    for lock in (ROOT / "requirements").glob("*.lock"):
        for entry in re.split(r"\n(?=\S)", lock.read_text()):
            if re.match(r"[\w.\[\]-]+ ?==", entry):
                packages += 1
                unhashed += not re.search(HASH, entry)
    return [
        Row(
            "base images without a digest", "floating", f"{len(floating)} of {len(bases)}", bool(bases) and not floating
        ),
        Row("locked packages without a hash", "all", f"{unhashed} of {packages}", packages > 100 and not unhashed),
    ]


ATTACKS = (documented_errors, pinned)
