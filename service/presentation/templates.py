"""Templates of pages. Every value is escaped, wherever it comes from."""

import functools
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

STYLE = "countermark.css"


@functools.cache
def environment(*packages: str) -> Environment:
    """Templates of `packages` and of this one; the first that has a name wins. A missing value is an error."""
    names = (*packages, "service.presentation")
    return Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in names]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def style() -> str:
    """The style sheet of all pages. It refers to nothing outside itself."""
    return (files("service.presentation") / "templates" / STYLE).read_text(encoding="utf-8")
