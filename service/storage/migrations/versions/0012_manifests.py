"""Manifest identifiers of issued images, by which the Soft Binding Resolution API finds a manifest.

Filled from the manifest stores that are there; one that cannot be read gets no row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None

_HEADER, _LABEL_AT = 8, 17
_BATCH = 200


def upgrade() -> None:
    table = op.create_table(
        "manifests",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("image", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_manifests"),
        sa.ForeignKeyConstraint(["image"], ["images.number"], name="fk_manifests_image"),
    )
    connection, last = op.get_bind(), 0
    while True:
        query = sa.text("SELECT number, manifest FROM images WHERE number > :last ORDER BY number LIMIT :most")
        batch = connection.execute(query, {"last": last, "most": _BATCH}).all()
        if not batch:
            return
        rows = [{"id": label, "image": number} for number, store in batch if (label := _active(bytes(store)))]
        if rows:
            op.bulk_insert(table, rows)
        last = batch[-1].number


def _active(store: bytes) -> str:
    """The label of the last manifest in a store; empty if the store cannot be read."""
    found, at = "", _HEADER
    while at + _HEADER <= len(store):
        length = int.from_bytes(store[at : at + 4], "big")
        if length < _HEADER or at + length > len(store):
            return ""
        if store[at + 4 : at + _HEADER] == b"jumb":
            description = at + _HEADER
            end = description + int.from_bytes(store[description : description + 4], "big")
            found = store[description + _HEADER + _LABEL_AT : end].split(b"\0", 1)[0].decode("ascii", "ignore")
        at += length
    return found[:200]


def downgrade() -> None:
    op.drop_table("manifests")
