import io
import json

import pytest
from rich.console import Console

from service.cli import present
from service.examiner.policy import Verdict
from service.kit.errors import BrokenPicture
from tests.support.credentials import read
from tests.support.evidence import Evidence

REPORT = Evidence(
    read("valid_untrusted", signer="Ann [bold]", issuer="Acme\x1b[31m"),
    mark_id=1,
    record_known=True,
    same_image=False,
    matched=True,
    inferred=Verdict.LIKELY_CAMERA,
).report()


def shown(show: object) -> str:
    out = io.StringIO()
    show(Console(file=out, width=200, highlight=False), REPORT)  # type: ignore[operator]
    return out.getvalue()


def test_the_short_answer() -> None:
    first, *rest = shown(present.line).splitlines()
    assert first == "x.png: untrusted (marked_synthetic)"
    assert rest[0] == "  The Content Credential is intact, but its signer is on no trust list."
    assert rest[-1] == "  Conflict: The watermark belongs to another image."
    assert len(rest) == len(REPORT.reasons) + len(REPORT.conflicts)


def test_everything_as_a_table() -> None:
    text = shown(present.full)
    rows = [line.split("│")[1].strip() for line in text.splitlines() if "│" in line]
    assert [row for row in rows if row] == [
        "verdict", "why", "conflicts", "file", "SHA-256", "claimed", "marked", "matched", "inferred"
    ]  # fmt: skip
    assert "issued here on 2026-01-01" in text
    assert "compared with the issued image: another image" in text
    assert "urn:uuid:1 (0 of 256 bits differ)" in text


def test_a_file_does_not_steer_the_terminal() -> None:
    text = shown(present.full)
    assert "\x1b" not in text
    assert "Ann [bold]" in text


@pytest.mark.parametrize("as_json", [True, False])
def test_a_failure_stands_in_place_of_the_report(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    error = BrokenPicture("it ends too soon", hint="Send it again.")
    present.failure(Console(width=200), "a\x1b.png", error, as_json)
    out = capsys.readouterr().out
    if as_json:
        problem = {"code": error.code, "message": "it ends too soon", "hint": "Send it again."}
        assert json.loads(out) == {"file": "a\x1b.png", "error": problem}
    else:
        assert out == f"a\N{REPLACEMENT CHARACTER}.png: it ends too soon ({error.code}). Send it again.\n"
