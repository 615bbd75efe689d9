import pytest

from service.installation import Installation
from tests.support.commands import Run
from tests.unit.service.cli.conftest import Lines

SUBJECT = "a" * 64


@pytest.fixture
def number(installation: Installation) -> str:
    from service.moderation.appeals import Appeal

    appeal = Appeal(about="verdict", subject=SUBJECT, statement="I took it myself.", contact="jane@example.org")
    return installation.appeals.file(appeal).id


def test_an_appeal_is_listed_with_its_statement_until_it_is_resolved(run: Run, lines: Lines, number: str) -> None:
    (listed,) = lines("appeals", "list")
    assert (listed["id"], listed["about"], listed["subject"]) == (number, "verdict", SUBJECT)
    assert "I took it myself." in run("appeals", "list")[1]
    words = ("appeals", "resolve", number, "--upheld", "--operator", "op", "--reason", "It stands.")
    assert lines(*words) == [{"appeal": number, "status": "upheld"}]
    assert lines("appeals", "list") == []
    assert [one["status"] for one in lines("appeals", "list", "--all")] == ["upheld"]


@pytest.mark.parametrize("words", [(), ("--upheld", "--overturned")])
def test_a_resolution_is_one_of_two(run: Run, number: str, words: tuple[str, ...]) -> None:
    assert run("appeals", "resolve", number, "--operator", "op", "--reason", "x", *words)[0] in (2, 5)
