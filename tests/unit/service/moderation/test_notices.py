import pytest
from pydantic import ValidationError

from tests.support.takedowns import notice


@pytest.mark.parametrize(
    "fields",
    [
        {"signature": " "},
        {"statement": ""},
        {"contact": ""},
        {"good_faith": False},
        {"content_id": "x"},
        {"sha256": "abc"},
        {"surprise": 1},
        {"statement": "x" * 5000},
    ],
)
def test_what_the_law_asks_for_must_be_there(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        notice(**fields)


def test_what_is_personal_is_sealed_and_nothing_else() -> None:
    personal = notice(content_id="urn:uuid:" + "0" * 36, on_behalf=True).personal()
    assert personal.pop("on_behalf") == "true"
    assert personal == {
        "signature": "Jane Roe",
        "statement": "Published by my former partner without my consent.",
        "contact": "jane@example.org",
        "location": "above the blue house",
        "url": "https://pictures.example/jane",
    }
