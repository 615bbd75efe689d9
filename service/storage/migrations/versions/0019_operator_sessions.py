"""Who is signed in at the operator's pages."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator_sessions",
        sa.Column("token", sa.LargeBinary(32), nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_operator_sessions"),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name="fk_operator_sessions_key"),
    )
    op.create_index("ix_operator_sessions_expires_at", "operator_sessions", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_operator_sessions_expires_at", "operator_sessions")
    op.drop_table("operator_sessions")
