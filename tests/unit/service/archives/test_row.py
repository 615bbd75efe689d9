from service.archives.entry import Entry, Fault
from service.archives.row import Row
from tests.support.archives import VERIFIED
from tests.support.credentials import read
from tests.support.evidence import Evidence


def test_a_report_becomes_flat_columns() -> None:
    report = Evidence(read("absent"), mark_id=1, record_known=True, same_image=True).report()
    row = Row.of_report(7, Entry("a/b.png", 1), report, 0.5)
    assert (row.number, row.path, row.seconds) == (7, "a/b.png", 0.5)
    assert (row.sha256, row.mime, row.width, row.bytes) == ("0" * 64, "image/png", 1, 1)
    assert (row.verdict, row.outcome) == (report.verdict.value, report.outcome.value)
    assert row.marked_id == report.marked[0].mark_id
    assert row.marked_codecs == (report.marked[0].codec,)
    assert row.marked_content_id == "urn:uuid:1"
    assert row.inferred_state == report.inferred.state
    assert row.reasons == tuple(reason.code for reason in report.reasons)
    assert (row.error, row.message) == (None, None)


def test_a_signer_is_named() -> None:
    row = Row.of_report(0, Entry("a"), VERIFIED, 0.0)
    assert (row.claimed_integrity, row.claimed_signer_status, row.claimed_signer) == (
        VERIFIED.claimed.integrity.value,
        "trusted",
        VERIFIED.claimed.signer,
    )
    assert row.marked_id is row.matched_content_id is None


def test_a_file_that_could_not_be_examined_has_a_row() -> None:
    row = Row.of_fault(1, Entry("\udcff\ud800é.png", 9), Fault("too_large", "why"), "ab", 0.25)
    assert row == Row(number=1, path="��é.png", bytes=9, sha256="ab", error="too_large", message="why", seconds=0.25)
