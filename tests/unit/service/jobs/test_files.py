import os
import time
from pathlib import Path

import pytest

from service.installation import Installation
from service.jobs.files import JobFolder
from service.kit.errors import Misconfigured, Unavailable


def test_what_was_written_is_read_and_nothing_else(folder: JobFolder, installation: Installation) -> None:
    files = folder.new("J-1")
    files.write("in-orders", b"a red fox")
    files.write("request", b"shape")
    assert (files.read("request"), files.has("request"), files.has("other")) == (b"shape", True, False)
    again = folder.of("J-1", files.wrapped_key)
    assert again.read("in-orders") == b"a red fox"
    for path in (installation.settings.home / "jobs").rglob("*.box"):
        assert b"red fox" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Unavailable, match="cannot be read"):
        files.read("other")


def test_a_file_in_the_place_of_another_is_not_taken_for_it(folder: JobFolder) -> None:
    files, other = folder.new("J-1"), folder.new("J-2")
    files.write("a", b"1")
    files.write("b", b"2")
    path = next(iter(files.folder.glob("a.box")))
    path.replace(path.with_name("b.box"))
    for wrong in (files, folder.of("J-1", other.wrapped_key)):
        with pytest.raises(Misconfigured):
            wrong.read("b")


def test_inputs_go_and_results_stay(folder: JobFolder) -> None:
    files = folder.new("J-1")
    files.write("in-0", b"x" * 100)
    files.write("image-0", b"y")
    assert files.size() > files.size(inputs=False) > 0
    files.drop_inputs()
    files.drop("never there")
    assert (files.has("in-0"), files.has("image-0")) == (False, True)
    folder.delete("J-1")
    assert not files.folder.exists()


def test_what_no_job_refers_to_goes_once_it_is_old(folder: JobFolder) -> None:
    kept, orphan, young = (folder.new(name) for name in ("J-1", "J-2", "J-3"))
    for files in (kept, orphan, young):
        files.write("a", b"")
    long_ago = time.time() - 40 * 86400
    for files in (kept, orphan):
        os.utime(files.folder, (long_ago, long_ago))
    folder.sweep(["J-1"])
    assert [files.folder.exists() for files in (kept, orphan, young)] == [True, False, True]


def test_a_place_keeps_its_name(folder: JobFolder, tmp_path: Path) -> None:
    assert folder.place == folder.place
    assert len(folder.place) == 32


def test_a_full_disk_is_told(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.jobs.files.home.replace", full)
    with pytest.raises(Unavailable, match="No space left"):
        folder.new("J-1").write("a", b"")
