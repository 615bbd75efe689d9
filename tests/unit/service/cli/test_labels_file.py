from pathlib import Path

import pytest

from service.cli.labels_file import LabelLine, read, write
from service.kit.errors import BadRequest

LINES = [LabelLine("a/1.png", "real", "night"), LabelLine('b, "c".png', "synthetic", None)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(write(LINES))
    assert list(read(path, "label").values()) == LINES
    assert list(read(path, "kind")) == ["a/1.png"]


@pytest.mark.parametrize("text", ["file,label\na.png,fake\n", "file,kind\na.png,night\n", "file,label\na.png\n", ""])
def test_a_table_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(BadRequest, match="not a table of labels"):
        read(path, "label")
