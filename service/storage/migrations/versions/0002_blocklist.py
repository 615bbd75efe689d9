"""Hash blocklists, notices of removal and appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _blocklist()
    _takedowns()
    _appeals()


def _blocklist() -> None:
    op.create_table(
        "blocklist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list", sa.String(64), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("added_at", sa.String(32), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blocklist"),
        sa.UniqueConstraint("list", "source", "kind", "hash", name="uq_blocklist_entry"),
    )
    op.create_index("ix_blocklist_hash", "blocklist", ["hash"])
    op.create_index("ix_blocklist_revision", "blocklist", ["revision"])
    counter = op.create_table(
        "blocklist_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blocklist_revision"),
    )
    op.bulk_insert(counter, [{"id": 1, "revision": 0}])


def _takedowns() -> None:
    op.create_table(
        "takedowns",
        sa.Column("case", sa.String(32), nullable=False),
        sa.Column("pin_salt", sa.LargeBinary(16), nullable=False),
        sa.Column("pin_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("due_at", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("decided", sa.String(16), nullable=True),
        sa.Column("decided_at", sa.String(32), nullable=True),
        sa.Column("operator", sa.String(100), nullable=True),
        sa.Column("content_id", sa.String(64), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("target", sa.String(80), nullable=False),
        sa.Column("duplicate_of", sa.String(32), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("case", name="pk_takedowns"),
    )
    op.create_index("ix_takedowns_due_at", "takedowns", ["due_at"])
    op.create_index("ix_takedowns_target", "takedowns", ["target"])


def _appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("filed_at", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("resolved_at", sa.String(32), nullable=True),
        sa.Column("operator", sa.String(100), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_appeals"),
    )
    op.create_index("ix_appeals_subject", "appeals", ["subject"])


def downgrade() -> None:
    for table in ("appeals", "takedowns", "blocklist_revision", "blocklist"):
        op.drop_table(table)
