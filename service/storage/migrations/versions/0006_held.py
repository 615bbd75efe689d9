"""Pictures that are held until an operator has looked."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "held",
        sa.Column("content_id", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("held_at", sa.String(32), nullable=False),
        sa.Column("until", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("pixels", sa.String(64), nullable=False),
        sa.Column("decided_at", sa.String(32), nullable=True),
        sa.Column("operator", sa.String(100), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("words_key", sa.LargeBinary(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("content_id", name="pk_held"),
    )
    op.create_index("ix_held_until", "held", ["until"])


def downgrade() -> None:
    op.drop_table("held")
