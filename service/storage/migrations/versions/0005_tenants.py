"""Clients with keys of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("rotated_at", sa.String(32), nullable=True),
        sa.Column("removed_at", sa.String(32), nullable=True),
        sa.Column("safety_threshold", sa.Float(), nullable=True),
        sa.Column("likeness_review_distance", sa.Float(), nullable=True),
        sa.Column("max_images", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_tenants"),
        sa.UniqueConstraint("prefix", name="uq_tenants_prefix"),
    )


def downgrade() -> None:
    op.drop_table("tenants")
