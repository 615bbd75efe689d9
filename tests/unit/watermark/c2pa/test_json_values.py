import pytest

from watermark.c2pa.json_values import dict_of, dicts_of, list_of, text_of


@pytest.mark.parametrize("value", [None, "x", 7, [1], {"a": 1}, [{"a": 1}, "x", None]])
def test_whatever_is_there_has_the_shape_that_is_asked_for(value: object) -> None:
    assert dict_of(value) == (value if isinstance(value, dict) else {})
    assert list_of(value) == (value if isinstance(value, list) else [])
    assert dicts_of(value) == ([{"a": 1}] if isinstance(value, list) and len(value) == 3 else [])


def test_text_is_none_only_where_there_is_nothing() -> None:
    assert [text_of(value) for value in (None, "", 0, "x")] == [None, "", "0", "x"]
