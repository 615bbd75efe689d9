"""Scores of examined files, and what people say about them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "examinations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("day", sa.String(32), nullable=False),
        sa.Column("file", sa.String(64), nullable=False),
        sa.Column("calibration", sa.String(300), nullable=False),
        sa.Column("kind", sa.String(32), nullable=True),
        sa.Column("p_synthetic", sa.Float, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("in_scope", sa.Boolean, nullable=False),
        sa.Column("candidate", sa.String(300), nullable=True),
        sa.Column("candidate_score", sa.Float, nullable=True),
        sa.Column("candidate_verdict", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_examinations"),
    )
    op.create_index("ix_examinations_day", "examinations", ["day"])
    op.create_index("ix_examinations_file", "examinations", ["file"])
    op.create_table(
        "feedback",
        sa.Column("examination", sa.String(32), nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("who", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("examination", name="pk_feedback"),
        sa.ForeignKeyConstraint(["examination"], ["examinations.id"], name="fk_feedback_examination"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.name"], name="fk_feedback_tenant"),
    )


def downgrade() -> None:
    op.drop_table("feedback")
    op.drop_index("ix_examinations_file", "examinations")
    op.drop_index("ix_examinations_day", "examinations")
    op.drop_table("examinations")
