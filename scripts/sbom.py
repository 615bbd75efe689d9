#!/usr/bin/env python3
"""Write the software bill of materials of an installation as CycloneDX 1.6 JSON, from the locks it is installed from.

    python scripts/sbom.py                        the plain install, on standard output
    python scripts/sbom.py generate torch-cpu     the image with EXTRAS="[generate]"

Every package is there with its version, its package URL and the SHA-256 of each file that may be installed.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.lock import FOLDER, split  # noqa: E402 - after the path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = sorted(path.stem for path in FOLDER.glob("*.lock"))
    parser.add_argument("locks", nargs="*", default=["plain"], help=f"of {', '.join(known)}; default: plain")
    chosen = parser.parse_args().locks
    if unknown := set(chosen) - set(known):
        parser.error(f"no such lock: {', '.join(sorted(unknown))}")
    print(JsonV1Dot6(bill_of_materials(chosen)).output_as_string(indent=2))


def bill_of_materials(locks: Iterable[str]) -> Bom:
    """Countermark, and what these locks install for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = _component(project["name"], project["version"], ComponentType.APPLICATION, ())
    packages = {component.purl: component for lock in locks for component in _packages(lock)}
    bom = Bom(components=packages.values())
    bom.metadata.component = root
    bom.register_dependency(root, packages.values())
    return bom


def _packages(lock: str) -> Iterator[Component]:
    for name, text in split((FOLDER / f"{lock}.lock").read_text(encoding="utf-8")).items():
        version = re.split(r"==|\s", text)[1]
        yield _component(name, version, ComponentType.LIBRARY, re.findall(r"--hash=sha256:([0-9a-f]{64})", text))


def _component(name: str, version: str, kind: ComponentType, digests: Iterable[str]) -> Component:
    """A package. Its files' hashes are at its distribution, since any one of them may be the one that is installed."""
    purl = PackageURL("pypi", name=name, version=version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in digests]
    files = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(f"https://pypi.org/project/{name}/{version}/"),
            hashes=[digest],
            comment=f"file {number + 1} of {len(hashes)}",
        )
        for number, digest in enumerate(hashes)
    ]
    return Component(name=name, version=version, type=kind, purl=purl, bom_ref=str(purl), external_references=files)


if __name__ == "__main__":
    main()
