import json
from pathlib import Path

import pytest

from service.media.pictures import encode
from tests.support.commands import Run
from tests.support.painter import landscape
from tests.unit.service.cli.conftest import Lines

HASH = "ab" * 32


def test_a_hash_is_added_listed_exported_and_removed(run: Run, lines: Lines) -> None:
    assert lines("blocklist", "add", "ncii", HASH, "--type", "sha256") == [{"added": 1}]
    assert lines("blocklist", "list") == [{"list": "ncii", "kind": "sha256", "active": 1, "withdrawn": 0}]
    assert HASH in run("blocklist", "export", "ncii", "--format", "text")[1]
    assert lines("blocklist", "remove", "ncii", HASH) == [{"withdrawn": 1}]
    assert HASH not in run("blocklist", "export", "ncii", "--format", "text")[1]


def test_a_file_is_imported_whole_or_not_at_all(run: Run, lines: Lines, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"sha256 {HASH}\nsha256 {'cd' * 32}\n")
    assert lines("blocklist", "import", "ncii", file)[0]["added"] == 2
    file.write_text(f"sha256 {'ef' * 32}\nnonsense\n")
    assert run("blocklist", "import", "ncii", file)[0] != 0
    assert lines("blocklist", "list")[0]["active"] == 2


def test_a_listed_picture_is_code_6_and_a_broken_one_does_not_hide_it(run: Run, tmp_path: Path) -> None:
    data = encode(landscape(1, 64, 64), "png")[0]
    listed, broken = tmp_path / "listed.png", tmp_path / "broken.png"
    listed.write_bytes(data)
    broken.write_bytes(data[:90])
    assert run("blocklist", "check", listed)[0] == 0
    from hashlib import sha256

    run("blocklist", "add", "ncii", sha256(data).hexdigest(), "--type", "sha256")
    code, out, _ = run("blocklist", "check", broken, listed, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 6
    assert [one.get("match") and one["match"]["list"] for one in answers] == [None, "ncii"]
    assert run("blocklist", "check", broken)[0] == 5


@pytest.mark.parametrize(
    "words",
    [
        ("remove", "ncii"),
        ("remove", "ncii", HASH, "--all"),
        ("add", "ncii", HASH, "--type", "md5"),
        ("add", "ncii", "xyz", "--type", "sha256"),
        ("export", "ncii", "--format", "xml"),
    ],
)
def test_what_is_not_understood_changes_nothing(run: Run, lines: Lines, words: tuple[str, ...]) -> None:
    assert run("blocklist", *words)[0] in (2, 5)
    assert lines("blocklist", "list") == []
