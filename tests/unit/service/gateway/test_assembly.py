"""No gateway without its checks."""

import pytest

from service.gateway.assembly import build_gateway
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter


def test_no_checker_is_no_gateway(build: Build) -> None:
    with pytest.raises(ValueError, match="checker"):
        build(checkers=[])


def test_without_a_blocklist_is_no_gateway(build: Build) -> None:
    with pytest.raises(TypeError):
        build_gateway(Painter(), [Checker()], None, None, None, None, None)  # type: ignore[call-arg,arg-type]
