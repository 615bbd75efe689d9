"""The tables. Any change here comes with a migration: a test compares the two."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, Text

REVISION = "0001"
"""The newest migration; a database at another revision is upgraded when it is opened."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What was decided, in order. Each row's hash covers the one before it; `previous` is unique, so the chain
# cannot fork even when two processes write at once.
decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

# What was issued: enough to recognise a copy and to give its credential back. No prompt, no user, no pixels.
images = Table(
    "images",
    metadata,
    Column("mark_id", BigInteger, primary_key=True, autoincrement=False),
    Column("content_id", String(64), nullable=False, unique=True),
    Column("created_at", String(32), nullable=False),
    Column("mime", String(32), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("fingerprint_quality", Integer, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("model", String(200), nullable=False),
    Column("model_digest", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("prompt_digest", String(64), nullable=False),
)
