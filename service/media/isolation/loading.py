"""A parser by its name."""

import importlib
from collections.abc import Callable
from typing import Any

Parser = Callable[..., tuple[dict[str, Any], int]]


def load(target: str) -> Parser:
    """The function that `module:function` names."""
    module, _, name = target.partition(":")
    parser: Parser = getattr(importlib.import_module(module), name)
    return parser
