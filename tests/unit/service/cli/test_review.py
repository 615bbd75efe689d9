"""`countermark review` over a queue of held images."""

import json
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.cli import files, review
from service.gateway.held_draft import HeldDraft
from service.gateway.order import Order
from service.gateway.stages import Released
from service.generation import ModelIdentity
from service.installation import Installation
from service.kit.errors import FileUnreadable
from service.kit.settings import PREFIX
from service.media.pictures import encode
from tests.support.clock import NOON
from tests.support.commands import Run
from tests.support.painter import landscape
from tests.unit.service.cli.conftest import Lines

SUBJECT = "S-0000-0000-0000-0001"
PIXELS = landscape(1, 64, 64)
DECISION = ("--operator", "Olga Operator", "--reason", "it is somebody else")


@pytest.fixture
def held(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> str:
    """The content id of an image that waits for a decision."""
    monkeypatch.setenv(PREFIX + "HELD_RETENTION_DAYS", "7")
    installation.review_queue._days = 7
    content_id = uuid.uuid4().urn
    draft = HeldDraft(Order(prompt="a garden"), ModelIdentity("painter", "1", "0" * 64), NOON, 0, None, PIXELS)
    assert installation.review_queue.keep(content_id, "", [SUBJECT], draft)
    return content_id


def test_a_held_image_is_listed_with_the_subjects_it_may_show(run: Run, lines: Lines, held: str) -> None:
    (listed,) = lines("review", "list")
    assert (listed["id"], listed["status"], listed["subjects"]) == (held, "waiting", [SUBJECT])
    code, out, _ = run("review", "list")
    assert code == 0
    assert SUBJECT in out


def test_the_image_is_shown_in_a_file_that_nobody_else_can_read(run: Run, held: str, tmp_path: Path) -> None:
    file = tmp_path / "look.png"
    assert run("review", "show", held, "-o", file, "--operator", "Olga")[0] == 0
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_bytes() == encode(PIXELS, "png")[0]
    code, _, err = run("review", "show", held, "-o", file)
    assert code == 2
    assert "--force" in err
    assert run("review", "show", held, "-o", file, "--force")[0] == 0


def test_a_decided_image_leaves_the_list(run: Run, lines: Lines, held: str) -> None:
    assert lines("review", "release", held, *DECISION) == [{"picture": held, "status": "released"}]
    assert lines("review", "list") == []
    (listed,) = lines("review", "list", "--all")
    assert (listed["status"], listed["reason"]) == ("released", DECISION[-1])


def test_a_refused_image_cannot_be_seen_again(run: Run, held: str, tmp_path: Path) -> None:
    assert run("review", "refuse", held, *DECISION)[:2] == (0, f"{held}: refused\n")
    assert run("review", "show", held, "-o", tmp_path / "look.png")[0] != 0
    assert not (tmp_path / "look.png").exists()


@pytest.mark.parametrize("command", ["release", "refuse"])
def test_a_decision_needs_an_operator_and_a_reason(run: Run, lines: Lines, held: str, command: str) -> None:
    for words in (DECISION[:2], DECISION[2:]):
        assert run("review", command, held, *words)[0] == 2
    assert [each["status"] for each in lines("review", "list")] == ["waiting"]


def test_what_was_not_held_is_not_found(run: Run, installation: Installation, tmp_path: Path) -> None:
    for words in (("show", "urn:uuid:none", "-o", tmp_path / "a.png"), ("refuse", "urn:uuid:none", *DECISION)):
        assert run("review", *words)[0] == 1


def test_nothing_is_purged_before_its_time(lines: Lines, held: str) -> None:
    assert lines("review", "purge") == []
    assert len(lines("review", "list")) == 1


def released(data: bytes) -> Released:
    """What `_write_or_rescue` reads of a released image."""
    return cast(Released, SimpleNamespace(data=data, sha256="ab" * 32, admitted=SimpleNamespace(format="png")))


def test_an_image_that_cannot_be_written_is_saved_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, out = files.write, str(tmp_path / "out.png")

    def full(name: str, *rest: Any) -> None:
        if name == out:
            raise OSError(28, "No space left on device")
        write(name, *rest)

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(FileUnreadable, match="No space left") as lost:
        review._write_or_rescue(out, released(b"image"), tmp_path)
    rescued = tmp_path / f"{'ab' * 32}.png"
    assert rescued.read_bytes() == b"image"
    assert rescued.stat().st_mode & 0o077 == 0
    assert str(rescued) in lost.value.hint


def test_lines_of_json_are_whole_objects(run: Run, held: str) -> None:
    assert json.loads(run("review", "list", "--json")[1])["id"] == held
