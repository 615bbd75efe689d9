"""Every kind of outside file reads as its maker meant, and the page that says so is in step."""

import pytest

from benchmarks.scoreboard import PAGE, Board, Row, as_meant, page, rows
from service.examiner.policy import Outcome
from tests.assets import provenance
from watermark.c2pa.credentials import TrustList


@pytest.fixture(scope="module")
def found() -> list[Row]:
    return [row for _, under in rows() for row in under]


@pytest.fixture(scope="module")
def board() -> Board:
    return Board(TrustList("lab", provenance.lab().pem))


def test_every_file_reads_as_its_maker_meant(board: Board, found: list[Row]) -> None:
    meant = {row.kind: (row.integrity, row.verdict, row.outcome, row.conflicts) for row in found}
    assert len(meant) == len(found)
    assert {row.kind: board.we_say(row) for row in found} == meant


def test_another_answer_would_show(board: Board, found: list[Row]) -> None:
    """The same files, judged without the list that vouches for them, are not what their makers meant."""
    (verified, *_) = (row for row in found if row.outcome == Outcome.VERIFIED)
    strangers = Board(TrustList("other", provenance.stranger().pem))
    assert as_meant(verified, board) == (True, True)
    assert as_meant(verified, strangers) == (False, False)


def test_the_page_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == "\n".join(page()), "run benchmarks/scoreboard.py"
