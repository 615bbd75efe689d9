"""The start-up guard: each of our packages really is ours.

Our top-level names are plain words. PyPI's `watermark` installs over ours, and a `models.py` in the working
directory can shadow ours: both would run code in the gateway's place, so starting is refused.
"""

import importlib.metadata
import importlib.util
import json
from pathlib import Path
from urllib.parse import unquote, urlparse

DISTRIBUTION = "countermark"
PACKAGES = ("service", "detectors", "watermark", "models")


class ForeignPackage(RuntimeError):
    """A package that bears one of our names comes from somewhere else."""


def check() -> None:
    """Raises ForeignPackage, naming package and place, unless every package is our distribution's."""
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
                "working directory hides ours. Install countermark in an environment of its own (pipx, uv tool)."
            )


def _root(distribution: importlib.metadata.Distribution) -> Path:
    """Where our packages lie: the checkout of an editable install, else site-packages."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return Path(unquote(urlparse(origin["url"]).path)).resolve()
    return Path(str(distribution.locate_file(""))).resolve()
