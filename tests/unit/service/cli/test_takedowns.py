import pytest

from service.installation import Installation
from service.moderation.notices import Notice
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines


@pytest.fixture
def case(installation: Installation) -> str:
    notice = Notice(
        signature="Jane Roe",
        statement="Published without my consent.",
        good_faith=True,
        contact="jane@example.org",
        location="above the blue house",
        content_id=f"urn:uuid:{'0' * 36}",
    )
    return installation.takedowns.receive(notice).case


def test_the_list_shows_nothing_personal_and_a_case_shows_all(run: Run, lines: Lines, case: str) -> None:
    (listed,) = lines("takedowns", "list")
    assert (listed["case"], listed["status"]) == (case, "received")
    for words in ((), ("--json",)):
        assert "Jane" not in run("takedowns", "list", *words)[1]
    (shown,) = lines("takedowns", "show", case)
    assert shown["signature"] == "Jane Roe"
    assert "jane@example.org" in run("takedowns", "show", case)[1]


def test_a_decided_case_leaves_the_list_and_can_be_forgotten(run: Run, lines: Lines, case: str) -> None:
    (done,) = lines("takedowns", "resolve", case, "--rejected", "--operator", "op", "--reason", "Not ours.")
    assert done == {"decided": [case], "status": "rejected"}
    assert lines("takedowns", "list") == []
    assert [one["case"] for one in lines("takedowns", "list", "--all")] == [case]
    assert lines("takedowns", "forget", case) == [{"forgotten": case}]
    assert "Jane" not in run("takedowns", "show", case)[1]


@pytest.mark.parametrize("words", [(), ("--removed", "--rejected")])
def test_a_decision_is_one_of_two(run: Run, lines: Lines, case: str, words: tuple[str, ...]) -> None:
    assert run("takedowns", "resolve", case, "--operator", "op", *words)[0] in (2, 5)
    assert [one["status"] for one in lines("takedowns", "list")] == ["received"]
