"""Decisions and issued images."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_decisions"),
        sa.UniqueConstraint("previous", name="uq_decisions_previous"),
        sa.UniqueConstraint("hash", name="uq_decisions_hash"),
    )
    op.create_index("ix_decisions_subject", "decisions", ["subject"])
    op.create_table(
        "images",
        sa.Column("mark_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("mime", sa.String(32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("fingerprint_quality", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("model_digest", sa.String(64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("prompt_digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("mark_id", name="pk_images"),
        sa.UniqueConstraint("content_id", name="uq_images_content_id"),
        sa.UniqueConstraint("sha256", name="uq_images_sha256"),
    )


def downgrade() -> None:
    op.drop_table("images")
    op.drop_table("decisions")
