"""Wrong PINs, counted by number and address."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pin_failures",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("number", "address", name="pk_pin_failures"),
    )
    op.create_index("ix_pin_failures_last_at", "pin_failures", ["last_at"])


def downgrade() -> None:
    op.drop_table("pin_failures")
