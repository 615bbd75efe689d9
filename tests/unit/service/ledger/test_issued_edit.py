import pytest

from service.ledger.issued_edit import IssuedEdit, edit_in


@pytest.mark.parametrize(
    ("content", "edit"),
    [
        ({}, None),
        ({"given": [{"role": "reference", "sha256": "0"}]}, None),
        ({"given": [{"role": "image", "sha256": "0"}, {"role": "mask", "sha256": "1"}]}, IssuedEdit()),
        (
            {"edit": {"pixels": 9, "generated": 4, "changed": 3, "threshold": 8, "psnr": None}},
            IssuedEdit(9, 4, 3, 8, None),
        ),
    ],
)
def test_the_decision_to_release_says_what_was_edited(content: dict[str, object], edit: IssuedEdit | None) -> None:
    assert edit_in(content) == edit
