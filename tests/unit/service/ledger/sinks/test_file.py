"""The file of checkpoints: every one is appended, and the last one is what the ledger must continue."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import Misconfigured
from service.ledger.checkpoints import Checkpoint
from service.ledger.ledger import Ledger
from service.ledger.merkle import TreeHead
from service.ledger.sinks import open_sink
from service.ledger.sinks.file import FileSink
from service.ledger.sinks.sink import Ahead, Contradiction, NotTaken
from service.ledger.transparency import TransparencyLog, open_log

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def log(ledger: Ledger) -> TransparencyLog:
    return open_log(ledger, KEY, "example.com/log")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def sink(file: Path) -> FileSink:
    return FileSink(file)


def grow(ledger: Ledger, log: TransparencyLog) -> Checkpoint:
    ledger.refuse("urn:uuid:1", {"code": "x"})
    return log.checkpoint()


def sizes(file: Path) -> list[int]:
    return [json.loads(line)["size"] for line in file.read_text().splitlines()]


def test_each_checkpoint_is_appended_once(ledger: Ledger, log: TransparencyLog, file: Path, sink: FileSink) -> None:
    assert sink.confirms
    for _ in range(3):
        checkpoint = grow(ledger, log)
        assert sink.take(checkpoint, log) == ()
        sink.take(checkpoint, log)
    assert sizes(file) == [1, 2, 3]
    assert file.stat().st_mode & 0o777 == 0o600
    last = json.loads(file.read_text().splitlines()[-1])
    assert Checkpoint.verified(last["note"], log.verifier) == log.checkpoint()
    assert last["at"].startswith("20")


def test_a_ledger_with_fewer_decisions_is_behind(ledger: Ledger, log: TransparencyLog, sink: FileSink) -> None:
    old = grow(ledger, log)
    sink.take(grow(ledger, log), log)
    with pytest.raises(Ahead) as caught:
        sink.take(old, log)
    assert (caught.value.size, caught.value.proved) == (2, True)


def test_a_ledger_with_other_decisions_contradicts_it(
    ledger: Ledger, log: TransparencyLog, file: Path, sink: FileSink
) -> None:
    other = Checkpoint.sign(TreeHead(1, bytes(32)), log._signer)
    file.write_text(json.dumps({"note": str(other.note)}) + "\n")
    with pytest.raises(Contradiction, match="the first 1 decisions are not those") as caught:
        sink.take(grow(ledger, log), log)
    assert caught.value.proved
    assert len(file.read_text().splitlines()) == 1


def test_damaged_lines_and_other_logs_are_passed_over(
    ledger: Ledger, log: TransparencyLog, file: Path, sink: FileSink
) -> None:
    sink.take(grow(ledger, log), log)
    elsewhere = Checkpoint.sign(TreeHead(9, bytes(32)), open_log(ledger, KEY, "example.com/other")._signer)
    forged = Checkpoint.sign(TreeHead(9, bytes(32)), open_log(ledger, Ed25519PrivateKey.generate(), None)._signer)
    with file.open("a") as more:
        for note in (elsewhere.note, forged.note, 7):
            more.write(json.dumps({"note": str(note)}) + "\n")
        more.write('[]\n{"note": 7}\n{"note": "torn')
    newest = grow(ledger, log)
    sink.take(newest, log)
    assert json.loads(file.read_text().splitlines()[-1])["note"] == str(newest.note)


def test_the_last_checkpoint_is_found_before_many_other_lines(
    ledger: Ledger, log: TransparencyLog, file: Path, sink: FileSink
) -> None:
    sink.take(grow(ledger, log), log)
    with file.open("a") as more:
        more.write("another program's line\n" * 2000)
    sink.take(log.checkpoint(), log)  # the same: nothing is appended
    assert file.read_text().endswith("line\n")


def test_a_file_that_cannot_be_written_takes_nothing(ledger: Ledger, log: TransparencyLog, tmp_path: Path) -> None:
    with pytest.raises(NotTaken, match="cannot be written"):
        FileSink(tmp_path / "no folder" / "file").take(grow(ledger, log), log)
    with pytest.raises(NotTaken, match="cannot be written"):
        FileSink(tmp_path).take(log.checkpoint(), log)


def test_an_address_names_an_absolute_path(tmp_path: Path) -> None:
    sink = open_sink(f"file:{tmp_path}/a%20b", 1, required=True)
    assert sink.name == "file a b"
    for wrong in ("file:relative", "file://host/path", "file:"):
        with pytest.raises(Misconfigured, match="absolute path"):
            open_sink(wrong, 1, required=False)
