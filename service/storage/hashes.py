"""The 256-bit hashes of many rows at once, as arrays. Read as typed rows, a million of them would take minutes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, String, cast, func, literal, select

from service.kit.errors import LedgerCorrupt
from service.storage.session import Session

HASH_BYTES = 32
_SERVER_ROWS = 100_000  # rows that PostgreSQL joins into one value


@dataclass(frozen=True, slots=True, eq=False)
class HashRows:
    """ids: int64, (N,), unique, in any order. hashes: uint8, N x 32."""

    ids: NDArray[np.int64]
    hashes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ids)


def read_hashes(
    session: Session, id_: ColumnElement[int], hash_: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> HashRows:
    """The rows that meet all `conditions`: their ids, 0 or more, and hashes, stored as bytes or as hex digits.

    Raises:
        LedgerCorrupt: a hash has another length, or other digits.
    """
    read = _joined_by_server if session.dialect == "postgresql" else _joined_here
    parts = [_checked(ids, bits) for ids, bits in read(session, id_, hash_, conditions)]
    ids = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in parts)])
    return HashRows(ids, np.frombuffer(b"".join(bits for _, bits in parts), np.uint8).reshape(-1, HASH_BYTES))


def _joined_here(
    session: Session, id_: ColumnElement[int], hash_: ColumnElement[Any], conditions: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[NDArray[np.int64], bytes]]:
    join = _from_hex if isinstance(hash_.type, String) else b"".join
    for rows in session.batches(select(id_, hash_).where(*conditions)):
        ids, hashes = zip(*rows, strict=True)
        yield np.array(ids, np.int64), join(hashes)


def _joined_by_server(
    session: Session, id_: ColumnElement[int], hash_: ColumnElement[Any], conditions: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[NDArray[np.int64], bytes]]:
    """The driver takes some 10 microseconds for each row that it parses, so it is given few."""
    bits = func.decode(hash_, "hex") if isinstance(hash_.type, String) else hash_
    last = -1
    while True:
        some = select(id_.label("id"), bits.label("bits")).where(*conditions, id_ > last)
        batch = some.order_by(id_).limit(_SERVER_ROWS).subquery()
        parts = (func.int8send(cast(batch.c.id, BigInteger)), batch.c.bits)
        packed, joined = session.read(select(*(func.string_agg(part, literal(b"")) for part in parts))).one()
        if packed is None:
            return
        ids = np.frombuffer(packed, ">i8").astype(np.int64)
        yield ids, joined
        if len(ids) < _SERVER_ROWS:
            return
        last = int(ids.max())


def _from_hex(digits: Sequence[str]) -> bytes:
    try:
        return bytes.fromhex("".join(digits))
    except ValueError as wrong:
        raise _corrupt() from wrong


def _checked(ids: NDArray[np.int64], bits: bytes) -> tuple[NDArray[np.int64], bytes]:
    if len(bits) != HASH_BYTES * len(ids):
        raise _corrupt()
    return ids, bits


def _corrupt() -> LedgerCorrupt:
    return LedgerCorrupt("a hash in the database is not 256 bits")
