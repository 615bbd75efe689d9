"""A Merkle tree (RFC 9162) over the decisions that are there.

Its leaves are the bytes that the hashes of the chain cover, so the chain stays as it is.
"""

import hashlib
import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FIELDS = ("seq", "at", "kind", "subject", "body", "previous")
_BATCH = 1000


def upgrade() -> None:
    op.create_table(
        "merkle_nodes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_merkle_nodes"),
    )
    literal = "(%d, decode('%s', 'hex'))" if op.get_bind().dialect.name == "postgresql" else "(%d, x'%s')"
    batch: list[str] = []
    for number, digest in enumerate(_hashes()):
        batch.append(literal % (number, digest.hex()))
        if len(batch) == _BATCH:
            _insert(batch)
            batch.clear()
    if batch:
        _insert(batch)


def _insert(rows: list[str]) -> None:
    """Rows of numbers and hexadecimal digits as text: as parameters, PostgreSQL's driver would send one at a time."""
    op.get_bind().exec_driver_sql(f"INSERT INTO merkle_nodes (number, hash) VALUES {', '.join(rows)}")


def _hashes() -> Iterator[bytes]:
    """The hashes of all complete subtrees, in the order in which the decisions complete them."""
    subtrees: list[bytes] = []
    for index, entry in enumerate(_entries()):
        node = hashlib.sha256(b"\x00" + entry).digest()
        yield node
        for _ in range((index ^ (index + 1)).bit_length() - 1):  # the subtrees that this leaf completes
            node = hashlib.sha256(b"\x01" + subtrees.pop() + node).digest()
            yield node
        subtrees.append(node)


def _entries() -> Iterator[bytes]:
    """Canonical JSON of every decision but its hash, which is over these very bytes."""
    columns = ", ".join(_FIELDS)
    for row in op.get_bind().exec_driver_sql(f"SELECT {columns} FROM decisions ORDER BY seq").all():
        entry = dict(zip(_FIELDS, row, strict=True))
        try:
            yield json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        except TypeError:  # a column was tampered with, which an audit names
            yield b""


def downgrade() -> None:
    op.drop_table("merkle_nodes")
