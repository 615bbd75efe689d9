import hashlib
from pathlib import Path

import pytest

from service.archives.entry import Entry, Fault
from service.archives.file_examiner import ExaminationOptions, ExaminingProcess, FileExaminer, of_one_core
from service.archives.source import Source
from service.installation import Installation
from service.kit.errors import Unavailable
from service.kit.settings import Settings
from service.media.isolation.parsers import Parsers
from tests.support.archives import LIMITS, ByContent, by_content


@pytest.mark.parametrize(
    ("data", "verdict", "error"),
    [
        (b"nothing", "inconclusive", None),
        (b"broken", None, "broken_picture"),
        (b"text", None, "unsupported_format"),
        (b"bug", None, "internal"),
    ],
)
def test_every_file_has_a_row(tmp_path: Path, data: bytes, verdict: str | None, error: str | None) -> None:
    (tmp_path / "a").write_bytes(data)
    row = by_content(str(tmp_path)).row(5, Entry("a", len(data)))
    assert (row.number, row.path, row.verdict, row.error) == (5, "a", verdict, error)
    if error:
        assert row.sha256 == hashlib.sha256(data).hexdigest()
        assert row.message


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(LIMITS.max_bytes + 1))
    files = by_content(str(tmp_path))
    listed, grown = files.row(0, Entry("a", LIMITS.max_bytes + 1)), files.row(0, Entry("a", 1))
    for row in (listed, grown):
        assert (row.error, row.sha256) == ("too_large", None)


def test_what_was_listed_as_a_fault_or_is_gone_has_a_row(tmp_path: Path) -> None:
    files = by_content(str(tmp_path))
    assert files.row(0, Entry("a", fault=Fault("too_large", "why"))).message == "why"
    assert files.row(0, Entry("gone", 5)).error == "file_unreadable"


def test_what_is_no_files_fault_stops_the_run(tmp_path: Path) -> None:
    class Silent(Source):
        def read(self, entry: Entry, limit: int, parsers: Parsers, seconds: float | None) -> bytes:
            raise Unavailable("it does not answer")

    files = FileExaminer(Silent(), ByContent(), LIMITS, classify=False)  # type: ignore[abstract, arg-type]
    with pytest.raises(Unavailable):
        files.row(0, Entry("a", 1))


def test_a_worker_has_an_installation_with_one_core(installation: Installation, tmp_path: Path) -> None:
    settings = Settings(threads=8, parser_processes=3)
    assert (of_one_core(settings).threads, of_one_core(settings).parser_processes) == (1, 1)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nxx")
    options = ExaminationOptions(str(tmp_path / "files"), classify=False)
    with ExaminingProcess(installation.settings.model_copy(update={"parser_processes": 0}), options) as process:
        assert process.files.row(0, Entry("a.png", 10)).error == "broken_picture"
    with pytest.raises(Exception, match="does not exist"):
        ExaminingProcess(installation.settings, ExaminationOptions(str(tmp_path / "gone")))
