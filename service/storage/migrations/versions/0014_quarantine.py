"""Blocks that end by themselves, and who sent a notice."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("blocklist") as blocklist:
        blocklist.add_column(sa.Column("until", sa.String(32), nullable=True))
    with op.batch_alter_table("takedowns") as takedowns:
        takedowns.add_column(sa.Column("sender", sa.String(64), nullable=True))
        takedowns.add_column(sa.Column("quarantined_until", sa.String(32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("takedowns") as takedowns:
        takedowns.drop_column("quarantined_until")
        takedowns.drop_column("sender")
    with op.batch_alter_table("blocklist") as blocklist:
        blocklist.drop_column("until")
