"""Hashes are read exactly as they are stored, in however many batches."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Column, ColumnElement, Integer, LargeBinary, MetaData, String, Table

from service.kit.errors import LedgerCorrupt
from service.storage import Database, Session, hashes
from service.storage.hashes import read_hashes

metadata = MetaData()
table = Table(
    "hashes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("bits", LargeBinary, nullable=False),
    Column("digits", String(80), nullable=False),
)
IDS = [7, 3, 1, 12, 5]


@pytest.fixture
def database(tmp_path: Path, empty_ledger: Path) -> Iterator[Database]:
    shutil.copyfile(empty_ledger, tmp_path / "ledger.db")
    opened = Database.open(tmp_path / "ledger.db")
    yield opened
    opened.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        metadata.create_all(opened._connection)
        opened.insert(table, [row(id_) for id_ in IDS])
        yield opened


def row(id_: int, **changes: object) -> dict[str, object]:
    return {"id": id_, "bits": bytes([id_]) * 32, "digits": f"{id_:02x}" * 32, **changes}


@pytest.mark.parametrize("column", [table.c.bits, table.c.digits], ids=["bytes", "hex"])
@pytest.mark.parametrize("rows", [1, 2, 5, 100])
def test_every_row_that_meets_the_conditions(
    session: Session, column: ColumnElement[object], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "_DRIVER_ROWS", rows)
    monkeypatch.setattr(hashes, "_SERVER_ROWS", rows)
    for conditions, expected in (((), IDS), ((table.c.id > 3, table.c.id < 12), [7, 5]), ((table.c.id > 12,), [])):
        found = read_hashes(session, table.c.id, column, *conditions)
        assert sorted(found.ids.tolist()) == sorted(expected)
        assert [bytes(bits) for bits in found.hashes] == [bytes([id_]) * 32 for id_ in found.ids.tolist()]
        assert (found.ids.dtype, found.hashes.dtype) == (np.dtype(np.int64), np.dtype(np.uint8))
        assert found.hashes.shape == (len(found), 32)


@pytest.mark.parametrize("wrong", [bytes(31), bytes(33), b""])
def test_a_hash_of_another_length_is_refused(session: Session, wrong: bytes) -> None:
    session.insert(table, [row(20, bits=wrong, digits=wrong.hex())])
    for column in (table.c.bits, table.c.digits):
        with pytest.raises(LedgerCorrupt, match="256 bits"):
            read_hashes(session, table.c.id, column)


def test_two_wrong_lengths_do_not_make_a_right_one(session: Session) -> None:
    """Otherwise every hash between them would be compared shifted, and missed."""
    session.insert(table, [row(20, bits=bytes(31)), row(21, bits=bytes(33))])
    with pytest.raises(LedgerCorrupt):
        read_hashes(session, table.c.id, table.c.bits)
