import pytest

from service.archives.entry import Entry, Fault, Packed
from service.kit.errors import BrokenArchive


@pytest.mark.parametrize(
    "entry",
    [
        Entry("a/b.png", 5),
        Entry("bytes that are no text \udcff\n", None),
        Entry("m", 5, Packed(10, 3, "deflated", 7)),
        Entry("m", 5, Packed(10, 5), Fault("too_large", "it is\ntoo large")),
    ],
)
def test_a_line_holds_all_of_an_entry(entry: Entry) -> None:
    line = entry.to_line()
    assert Entry.of_line(line) == entry
    assert line.isascii()
    assert "\n" not in line


def test_a_fault_is_an_errors_code_and_message() -> None:
    assert Fault.of(BrokenArchive("it is damaged")) == Fault("broken_archive", "it is damaged")
