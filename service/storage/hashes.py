"""The 256-bit hashes of many rows at once, as arrays. As typed rows, a million of them take several times as long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, String, cast, func, literal, select

from service.kit.errors import LedgerCorrupt
from service.storage.session import Session

HASH_BYTES = 32
_DRIVER_ROWS = 500  # that SQLite's driver gives at a time
_SERVER_ROWS = 100_000  # that PostgreSQL joins into one value


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
        LedgerCorrupt: a hash has another length. It would shift all after it, and they would be missed.
    """
    read = _joined_by_server if session.dialect == "postgresql" else _joined_here
    parts = list(read(session, id_, hash_, conditions))
    ids = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in parts)])
    return HashRows(ids, np.frombuffer(b"".join(bits for _, bits in parts), np.uint8).reshape(-1, HASH_BYTES))


def _joined_here(
    session: Session, id_: ColumnElement[int], hash_: ColumnElement[Any], conditions: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[NDArray[np.int64], bytes]]:
    join = _from_hex if isinstance(hash_.type, String) else _from_bytes
    for rows in session.batches(select(id_, hash_).where(*conditions), _DRIVER_ROWS):
        ids, hashes = zip(*rows, strict=True)
        yield np.array(ids, np.int64), join(hashes)


def _from_bytes(hashes: Sequence[bytes]) -> bytes:
    if set(map(len, hashes)) != {HASH_BYTES}:
        raise _corrupt()
    return b"".join(hashes)


def _from_hex(hashes: Sequence[str]) -> bytes:
    if set(map(len, hashes)) != {2 * HASH_BYTES}:
        raise _corrupt()
    return bytes.fromhex("".join(hashes))


def _joined_by_server(
    session: Session, id_: ColumnElement[int], hash_: ColumnElement[Any], conditions: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[NDArray[np.int64], bytes]]:
    """The driver takes some 10 microseconds for each row that it parses, so it is given few."""
    bits = func.decode(hash_, "hex") if isinstance(hash_.type, String) else hash_
    last = -1
    while True:
        some = select(id_.label("id"), bits.label("bits")).where(*conditions, id_ > last)
        batch = some.order_by(id_).limit(_SERVER_ROWS).subquery().c
        joined = select(
            func.string_agg(func.int8send(cast(batch.id, BigInteger)), literal(b"")),
            func.string_agg(batch.bits, literal(b"")),
            func.bool_and(func.octet_length(batch.bits) == HASH_BYTES),
        )
        ((packed, hashes, sound),) = session.tuples(joined)
        if packed is None:
            return
        if not sound:
            raise _corrupt()
        ids = np.frombuffer(packed, ">i8").astype(np.int64)
        yield ids, hashes
        last = int(ids.max())


def _corrupt() -> LedgerCorrupt:
    return LedgerCorrupt("a hash in the database is not 256 bits long")
