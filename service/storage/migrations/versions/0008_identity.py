"""A random id for each database, so that a moved, replaced or new one is not taken for it."""

import datetime as dt
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identity = op.create_table(
        "ledger_identity",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("database_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("upgraded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_identity"),
    )
    config = op.get_context().config
    created = config is not None and config.attributes.get("created", False)
    row = {
        "id": 1,
        "database_id": secrets.token_hex(16),
        "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "upgraded": not created,
    }
    op.bulk_insert(identity, [row])


def downgrade() -> None:
    op.drop_table("ledger_identity")
