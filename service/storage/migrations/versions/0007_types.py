"""Foreign keys, lists as JSON, images numbered in the order of issue, template ids that are never reused.

Times stay as they are: they were always written as RFC 3339 in UTC, and the decision chain hashes those very texts.
"""

import sqlalchemy as sa
from alembic import op

from service.kit.errors import LedgerCorrupt

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Table, column, and the table and column that it refers to.
FOREIGN_KEYS = (
    ("templates", "subject", "subjects", "id"),
    ("grants", "subject", "subjects", "id"),
    ("uses", "grant", "grants", "id"),
    ("uses", "content_id", "images", "content_id"),
    ("takedowns", "duplicate_of", "takedowns", "case"),
    ("held", "tenant", "tenants", "name"),
)
# The image of a use may be stored later in the same transaction.
DEFERRED = ("uses", "content_id")
# Table, column, type so far: words separated by spaces.
LISTS = (
    ("grants", "scopes", sa.String(200)),
    ("challenges", "poses", sa.String(100)),
    ("held", "subjects", sa.Text()),
)


def upgrade() -> None:
    _number_images()
    with op.batch_alter_table("held") as held:
        held.alter_column("tenant", existing_type=sa.String(64), nullable=True)
    op.execute("UPDATE held SET tenant = NULL WHERE tenant = ''")
    for table, column, before in LISTS:
        _words_to_json(table, column, before)
    for table, column, other, key in FOREIGN_KEYS:
        _refer(table, column, other, key)
    _reuse_template_ids(False)


def _number_images() -> None:
    """In the order of the decisions that issued them; images without one, which an audit will name, come last."""
    with op.batch_alter_table("images") as images:
        images.add_column(sa.Column("number", sa.Integer(), nullable=True))
    op.execute(
        """
        UPDATE images SET number = ordered.number FROM (
            SELECT mark_id, row_number() OVER (ORDER BY coalesce(issued.seq, 2147483647), created_at, mark_id) AS number
            FROM images LEFT JOIN (
                SELECT subject, min(seq) AS seq FROM decisions WHERE kind = 'issued' GROUP BY subject
            ) AS issued ON issued.subject = images.content_id
        ) AS ordered WHERE ordered.mark_id = images.mark_id
        """
    )
    with op.batch_alter_table("images") as images:
        images.alter_column("number", existing_type=sa.Integer(), nullable=False)
        images.drop_constraint("pk_images", type_="primary")
        images.create_primary_key("pk_images", ["number"])
        images.create_unique_constraint("uq_images_mark_id", ["mark_id"])
    op.create_index("ix_images_fingerprints", "images", ["number", "fingerprint", "mark_id"])


def _words_to_json(table: str, column: str, before: sa.types.TypeEngine[str]) -> None:
    op.execute(
        f"""UPDATE {table} SET {column} = CASE {column} WHEN '' THEN '[]'
            ELSE '["' || replace({column}, ' ', '", "') || '"]' END"""
    )
    with op.batch_alter_table(table) as changed:
        changed.alter_column(
            column, existing_type=before, existing_nullable=False, type_=sa.JSON(), postgresql_using=f"{column}::json"
        )


def _refer(table: str, column: str, other: str, key: str) -> None:
    orphans = op.get_bind().execute(
        sa.text(
            f'SELECT count(*) FROM {table} AS here LEFT JOIN {other} AS there ON there."{key}" = here."{column}" '
            f'WHERE here."{column}" IS NOT NULL AND there."{key}" IS NULL'
        )
    )
    if count := orphans.scalar_one():
        raise LedgerCorrupt(f"{count} rows of the table {table} refer to rows of {other} that are missing")
    with op.batch_alter_table(table) as changed:
        deferred = (table, column) == DEFERRED
        changed.create_foreign_key(
            f"fk_{table}_{column}",
            other,
            [column],
            [key],
            deferrable=deferred or None,
            initially="DEFERRED" if deferred else None,
        )


def _json_to_words(table: str, column: str, before: sa.types.TypeEngine[str]) -> None:
    with op.batch_alter_table(table) as changed:
        changed.alter_column(
            column, existing_type=sa.JSON(), existing_nullable=False, type_=before, postgresql_using=f"{column}::text"
        )
    op.execute(
        f"""UPDATE {table} SET {column} =
            replace(replace(replace(replace({column}, '[', ''), ']', ''), '"', ''), ',', '')"""
    )


def _reuse_template_ids(reuse: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL never reuses an id
        with op.batch_alter_table("templates", recreate="always", table_kwargs={"sqlite_autoincrement": not reuse}):
            pass


def downgrade() -> None:
    _reuse_template_ids(True)
    for table, column, _, _ in reversed(FOREIGN_KEYS):
        with op.batch_alter_table(table) as changed:
            changed.drop_constraint(f"fk_{table}_{column}", type_="foreignkey")
    for table, column, before in LISTS:
        _json_to_words(table, column, before)
    op.execute("UPDATE held SET tenant = '' WHERE tenant IS NULL")
    with op.batch_alter_table("held") as held:
        held.alter_column("tenant", existing_type=sa.String(64), nullable=False)
    op.drop_index("ix_images_fingerprints", "images")
    with op.batch_alter_table("images") as images:
        images.drop_constraint("pk_images", type_="primary")
        images.drop_constraint("uq_images_mark_id", type_="unique")
        images.create_primary_key("pk_images", ["mark_id"])
        images.drop_column("number")
