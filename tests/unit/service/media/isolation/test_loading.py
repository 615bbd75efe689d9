import pytest

from service.media.isolation.loading import load
from tests.support import parsers


def test_a_parser_is_found_by_its_name() -> None:
    assert load("tests.support.parsers:echo") is parsers.echo
    with pytest.raises(AttributeError):
        load("tests.support.parsers:nothing")
