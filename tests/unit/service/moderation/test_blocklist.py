import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detectors import fingerprint
from service.kit.errors import BadRequest, Blocked, BrokenList, NotFound, Unavailable
from service.ledger.ledger import Ledger
from service.moderation.blocklist import TAKEDOWNS, Blocklist, BlocklistMatch
from service.moderation.hash_lists import Listed
from tests.support.clock import NOON
from tests.support.database import statements
from tests.support.painter import landscape
from tests.support.processes import CONTEXT

RGB = landscape(7, 256, 256)
FILE = b"the very file"
SHA256 = hashlib.sha256(FILE).hexdigest()
PDQ = fingerprint(RGB).bits.hex()
OTHER = landscape(8, 256, 256)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    shutil.copyfile(empty_ledger, path)
    opened = Ledger.open(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def lists(ledger: Ledger) -> Blocklist:
    return Blocklist(ledger)


def test_an_empty_list_blocks_nothing(lists: Blocklist) -> None:
    lists.check_upload(FILE, RGB)
    lists.check_pixels(RGB)


def test_the_very_file_is_blocked(lists: Blocklist) -> None:
    lists.add([Listed("sha256", SHA256)], "ncii", "test")
    with pytest.raises(Blocked) as caught:
        lists.check_upload(FILE, OTHER)
    assert caught.value.message == "the image is on the list ncii"
    assert caught.value.stage == "admit"
    assert (caught.value.code, caught.value.exit_code, caught.value.status) == ("blocked", 6, 451)
    lists.check_upload(b"another file", OTHER)


@pytest.mark.parametrize("turned", [RGB, np.rot90(RGB), RGB[:, ::-1], np.pad(RGB, ((40, 40), (0, 0), (0, 0)))])
def test_a_lookalike_is_blocked_and_nothing_of_it_is_told(lists: Blocklist, turned: np.ndarray) -> None:
    lists.add([Listed("pdq", fingerprint(OTHER).bits.hex())], "first", "test")
    lists.check_pixels(turned)
    lists.add([Listed("pdq", PDQ)], "ncii", "test")
    with pytest.raises(Blocked) as caught:
        lists.check_pixels(turned)
    assert caught.value.message == "the image is on the list ncii"
    assert PDQ not in str(vars(caught.value))


def test_a_featureless_picture_matches_nothing(lists: Blocklist) -> None:
    flat = np.zeros((256, 256, 3), np.uint8)
    lists.add([Listed("pdq", fingerprint(flat).bits.hex())], "ncii", "test")
    lists.check_pixels(flat)


def test_without_the_lists_nothing_passes(lists: Blocklist, path: Path) -> None:
    lists.check_pixels(RGB)
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE blocklist_revision")
    with pytest.raises(Unavailable):
        lists.check_pixels(RGB)
    with pytest.raises(Unavailable):
        lists.check_upload(FILE, RGB)


def test_without_the_entries_nothing_passes(lists: Blocklist, path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE blocklist")
    with pytest.raises(Unavailable):
        lists.check_pixels(RGB)


def test_an_import_is_all_or_nothing(lists: Blocklist, ledger: Ledger) -> None:
    with pytest.raises(BrokenList, match="line 2"):
        lists.import_list(f"pdq {PDQ}\npdq nonsense\n".encode(), "ncii", "file")
    assert lists.lists() == ()
    assert ledger.verify().decisions == 0
    done = lists.import_list(f"pdq {PDQ}\nsha256 {SHA256}\n".encode(), "ncii", "file")
    assert (done.added, done.known) == (2, 0)
    again = lists.import_list(f"pdq {PDQ}\nsha256 {SHA256}\n".encode(), "ncii", "file")
    assert (again.added, again.known) == (0, 2)


def test_a_hash_is_blocked_while_one_source_stands(lists: Blocklist, ledger: Ledger) -> None:
    lists.add([Listed("pdq", PDQ)], "a", "one")
    with ledger.write() as stored:
        stored.blocklist.add([Listed("pdq", PDQ)], "a", "two", NOON, active=True)
    with ledger.write() as stored:
        stored.blocklist.switch("a", "one", active=False)
    assert lists.match(RGB) is not None
    with ledger.write() as stored:
        stored.blocklist.switch("a", "two", active=False)
    assert lists.match(RGB) is None


def test_removing_is_reversible(lists: Blocklist) -> None:
    lists.add([Listed("pdq", PDQ), Listed("sha256", SHA256)], "ncii", "test")
    assert lists.remove("ncii", PDQ.upper()) == 1
    assert lists.match(RGB) is None
    assert [e.active for e in lists.entries("ncii")] == [False, True]
    assert lists.add([Listed("pdq", PDQ)], "ncii", "test") == 1
    assert lists.match(RGB) is not None
    assert lists.remove("ncii") == 2
    with pytest.raises(NotFound):
        lists.remove("ncii")


def test_another_process_changes_the_lists(lists: Blocklist, path: Path) -> None:
    assert lists.match(RGB) is None
    elsewhere = Blocklist(Ledger.open(f"sqlite:///{path}"))
    elsewhere.add([Listed("pdq", PDQ)], "ncii", "test")
    assert lists.match(RGB) is not None
    elsewhere.remove("ncii")
    assert lists.match(RGB) is None


def test_only_what_changed_is_read_again(lists: Blocklist, ledger: Ledger) -> None:
    other, third = (fingerprint(landscape(n, 256, 256)).bits.hex() for n in (20, 21))
    lists.add([Listed("pdq", PDQ), Listed("pdq", other)], "first", "test")
    assert lists.load() == 2
    untouched = lists._index.snapshot.ids[1]
    lists.add([Listed("pdq", third)], "second", "test")
    lists.remove("first", PDQ)
    assert lists.load() == 2
    ids = lists._index.snapshot.ids.tolist()
    assert ids[0] == untouched
    with ledger.read() as stored:
        assert [stored.blocklist.block(id_).list for id_ in ids] == ["first", "second"]
    assert lists.match(RGB) is None
    matches = [lists.match(landscape(n, 256, 256)) for n in (20, 21)]
    assert [match and match.list for match in matches] == ["first", "second"]


def test_a_check_of_unchanged_lists_reads_no_entry(lists: Blocklist, ledger: Ledger) -> None:
    lists.add([Listed("pdq", fingerprint(OTHER).bits.hex())], "first", "test")
    lists.check_pixels(RGB)
    with statements(ledger) as seen:
        lists.check_pixels(RGB)
    assert [
        statement for statement in seen if "FROM blocklist" in statement and "blocklist_revision" not in statement
    ] == []


def test_the_nearest_entry_names_its_list(lists: Blocklist) -> None:
    bits = bytearray.fromhex(PDQ)
    bits[0] ^= 3
    lists.add([Listed("pdq", bits.hex())], "near", "test")
    lists.add([Listed("pdq", PDQ)], "same", "test")
    lists.add([Listed("pdq", PDQ)], "same too", "test")  # among equals, the oldest entry
    assert lists.match(RGB) == BlocklistMatch("same", "pdq", 0)
    lists.remove("same")
    lists.remove("same too")
    assert lists.match(RGB) == BlocklistMatch("near", "pdq", 2)


def test_every_change_is_a_decision_without_hashes(lists: Blocklist, ledger: Ledger) -> None:
    lists.add([Listed("pdq", PDQ, "very private")], "ncii", "from Jane")
    lists.remove("ncii")
    with pytest.raises(NotFound):
        lists.remove("ncii")
    kinds = [d.kind for d in ledger.decided("ncii")]
    bodies = [json.loads(d.body) for d in ledger.decided("ncii")]
    assert kinds == ["blocklist", "blocklist"]
    assert bodies[0]["added"] == bodies[1]["withdrawn"] == 1
    assert not any(word in str(bodies) for word in (PDQ, "private", "Jane"))
    assert ledger.verify().problems == ()


@pytest.mark.parametrize("name", ["", "a" * 65, "../x", "a\nb", " a", TAKEDOWNS])
def test_names_that_cannot_be_used(lists: Blocklist, name: str) -> None:
    with pytest.raises(BadRequest):
        lists.add([Listed("pdq", PDQ)], name, "test")
    with pytest.raises(BadRequest):
        lists.remove(name)


@pytest.mark.parametrize("source", ["", "s" * 201])
def test_a_source_is_needed(lists: Blocklist, source: str) -> None:
    with pytest.raises(BadRequest, match="source"):
        lists.add([Listed("pdq", PDQ)], "ncii", source)


def test_export(lists: Blocklist) -> None:
    with pytest.raises(NotFound):
        lists.export("ncii", "csv")
    lists.add([Listed("pdq", PDQ, "why")], "ncii", "one")
    lists.add([Listed("pdq", PDQ), Listed("sha256", SHA256)], "ncii", "two")
    assert lists.export("ncii", "csv").count(PDQ) == 1
    assert [(s.kind, s.active, s.withdrawn) for s in lists.lists()] == [("pdq", 2, 0), ("sha256", 1, 0)]
    assert lists.load() == 2


def _add(path: str) -> None:
    lists = Blocklist(Ledger.open(f"sqlite:///{path}"))
    for n in range(10):
        lists.add([Listed("pdq", PDQ), Listed("sha256", f"{n:064x}")], "ncii", "test")


def test_two_processes_add_the_same(lists: Blocklist, ledger: Ledger, path: Path) -> None:
    writers = [CONTEXT.Process(target=_add, args=(str(path),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert [(s.kind, s.active) for s in lists.lists()] == [("pdq", 1), ("sha256", 10)]
    assert ledger.verify().problems == ()
    assert ledger.verify().decisions == 20
