"""The start-up guard: check that each of our packages is really ours.

Our top-level package names are common words. PyPI's `watermark` installs over ours, and a `models.py` in the working
directory shadows ours. Both would run foreign code inside the gateway, so Countermark refuses to start.
"""

import importlib.metadata
import importlib.util
import json
from pathlib import Path
from urllib.parse import unquote, urlparse

DISTRIBUTION = "countermark"
PACKAGES = ("service", "detectors", "watermark", "models")


class ForeignPackage(RuntimeError):
    """A package with one of our names comes from somewhere else."""


def check() -> None:
    """Raise ForeignPackage, naming package and location, unless every package belongs to our distribution."""
    try:
        root = _root(importlib.metadata.distribution(DISTRIBUTION))
    except importlib.metadata.PackageNotFoundError:
        raise ForeignPackage(
            f"the distribution {DISTRIBUTION} is not installed: pip install {DISTRIBUTION}, or pip install -e ."
        ) from None
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != root / package:
            raise ForeignPackage(
                f"package {package} comes from {found}, not from {root / package}: another distribution or the "
                "working directory shadows it. Install countermark in its own environment (pipx, uv tool)."
            )


def _root(distribution: importlib.metadata.Distribution) -> Path:
    """The location of our packages: the checkout of an editable install, otherwise site-packages."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return Path(unquote(urlparse(origin["url"]).path)).resolve()
    return Path(str(distribution.locate_file(""))).resolve()
