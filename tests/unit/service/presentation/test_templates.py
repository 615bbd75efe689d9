import re

import pytest
from jinja2 import UndefinedError

from service.presentation.templates import environment, style


def test_values_are_escaped_and_missing_ones_are_errors() -> None:
    assert environment().from_string("{{ value }}").render(value="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        environment().from_string("{{ value }}").render()


def test_the_style_refers_to_nothing_outside() -> None:
    assert not re.search(r"url\(|@import|expression", style())
