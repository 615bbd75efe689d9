"""Several keys for a tenant, each with scopes, an expiry and limits; and what was used of them.

The key that each tenant had becomes its first, with every scope that a tenant could use, no expiry and no limits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCOPES = '["generate", "examine", "consent", "takedowns", "jobs"]'


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.Column("lineage", sa.String(16), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=True),
        sa.Column("revoked_at", sa.String(32), nullable=True),
        sa.Column("last_used_at", sa.String(32), nullable=True),
        sa.Column("replaced_by", sa.String(16), nullable=True),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("images_per_day", sa.Integer(), nullable=True),
        sa.Column("images_per_month", sa.Integer(), nullable=True),
        sa.Column("examinations_per_day", sa.Integer(), nullable=True),
        sa.Column("examinations_per_month", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.name"], name="fk_api_keys_tenant"),
        sa.ForeignKeyConstraint(["lineage"], ["api_keys.id"], name="fk_api_keys_lineage"),
        sa.ForeignKeyConstraint(["replaced_by"], ["api_keys.id"], name="fk_api_keys_replaced_by"),
    )
    op.create_index("ix_api_keys_tenant", "api_keys", ["tenant"])
    op.create_table(
        "key_usage",
        sa.Column("lineage", sa.String(16), nullable=False),
        sa.Column("quota", sa.String(32), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("until", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("lineage", "quota", name="pk_key_usage"),
        sa.ForeignKeyConstraint(["lineage"], ["api_keys.id"], name="fk_key_usage_lineage"),
    )
    op.create_table(
        "key_buckets",
        sa.Column("lineage", sa.String(16), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("lineage", name="pk_key_buckets"),
        sa.ForeignKeyConstraint(["lineage"], ["api_keys.id"], name="fk_key_buckets_lineage"),
    )
    op.execute(
        f"""
        INSERT INTO api_keys (id, tenant, digest, lineage, label, scopes, created_at, revoked_at)
        SELECT prefix, name, digest, prefix, '', '{SCOPES}', coalesce(rotated_at, created_at), removed_at FROM tenants
        """
    )
    with op.batch_alter_table("tenants") as tenants:
        tenants.drop_constraint("uq_tenants_prefix", type_="unique")
        tenants.drop_column("prefix")
        tenants.drop_column("digest")


def downgrade() -> None:
    """A tenant keeps its newest key, and it works only if it could do before what it can do then."""
    with op.batch_alter_table("tenants") as tenants:
        tenants.add_column(sa.Column("prefix", sa.String(16), nullable=True))
        tenants.add_column(sa.Column("digest", sa.LargeBinary(32), nullable=True))
    unlimited = "revoked_at IS NULL AND expires_at IS NULL AND CAST(scopes AS TEXT) LIKE '%\"generate\"%'"
    newest = f"""(
        SELECT {{column}} FROM api_keys WHERE api_keys.tenant = tenants.name
        ORDER BY CASE WHEN {unlimited} THEN 0 ELSE 1 END, created_at DESC, id LIMIT 1
    )"""
    works = f"CASE WHEN {unlimited} THEN digest END"
    op.execute(f"UPDATE tenants SET prefix = {newest.format(column='id')}, digest = {newest.format(column=works)}")
    with op.batch_alter_table("tenants") as tenants:
        tenants.alter_column("prefix", existing_type=sa.String(16), nullable=False)
        tenants.create_unique_constraint("uq_tenants_prefix", ["prefix"])
    for table in ("key_buckets", "key_usage"):
        op.drop_table(table)
    op.drop_index("ix_api_keys_tenant", "api_keys")
    op.drop_table("api_keys")
