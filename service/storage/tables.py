"""The tables. Any change here comes with a migration: a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0006"
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
    Column("kind", String(32), nullable=False, index=True),
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

# Hashes of pictures that must not pass: 64 hex digits of SHA-256 or PDQ. An entry is withdrawn, never deleted. One
# hash may stand under several sources; it is blocked while one of them is active. `revision`: of its last change.
blocklist = Table(
    "blocklist",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list", String(64), nullable=False),
    Column("source", String(200), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("hash", String(64), nullable=False, index=True),
    Column("reason", String(500), nullable=False),
    Column("added_at", String(32), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False, index=True),
    UniqueConstraint("list", "source", "kind", "hash", name="uq_blocklist_entry"),
)

# Counts the changes of the blocklist: every process sees that its copy is old, and reads what is newer. One row.
blocklist_revision = Table(
    "blocklist_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)

# Notices of removal. What is personal (signature, statement, contact, where it was seen) is in `sealed` alone; without
# `wrapped_key` nobody can read it. `target` is a content id, a SHA-256 or a keyed digest: duplicates share it.
takedowns = Table(
    "takedowns",
    metadata,
    Column("case", String(32), primary_key=True),
    Column("pin_salt", LargeBinary(16), nullable=False),
    Column("pin_hash", LargeBinary(32), nullable=False),
    Column("received_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("decided", String(16), nullable=True),
    Column("decided_at", String(32), nullable=True),
    Column("operator", String(100), nullable=True),
    Column("content_id", String(64), nullable=True),
    Column("sha256", String(64), nullable=True),
    Column("target", String(80), nullable=False, index=True),
    Column("duplicate_of", String(32), nullable=True),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
)

# Appeals against refusals, verdicts and takedowns; statement, contact and reason are sealed like a notice.
appeals = Table(
    "appeals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("about", String(16), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("filed_at", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("resolved_at", String(32), nullable=True),
    Column("operator", String(100), nullable=True),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
)

# People whose likeness is protected or may be used. The name is in `sealed`, under a key of the person's own; without
# `wrapped_key` neither it nor any template can be read again.
subjects = Table(
    "subjects",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("retain_until", String(32), nullable=True),
    Column("protected", Boolean, nullable=False),
    Column("pin_salt", LargeBinary(16), nullable=False),
    Column("pin_hash", LargeBinary(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Column("erased_at", String(32), nullable=True),
)

# Face embeddings, sealed under their subject's key. `model`: the digest of the model that made them.
templates = Table(
    "templates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String(32), nullable=False, index=True),
    Column("model", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# What a subject allowed. `scopes`: words separated by spaces; `receipt`: the signed proof (JWS, compact).
grants = Table(
    "grants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(32), nullable=False, index=True),
    Column("purpose", String(200), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("grantee", String(100), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("revoked_at", String(32), nullable=True),
    Column("receipt", Text, nullable=False),
    Column("receipt_digest", String(64), nullable=False, unique=True),
)

# Which image was made under which grant.
uses = Table(
    "uses",
    metadata,
    Column("grant", String(32), nullable=False),
    Column("content_id", String(64), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("withdrawn_at", String(32), nullable=True),
    PrimaryKeyConstraint("grant", "content_id", name="pk_uses"),
)

# What was asked of people who enrol themselves, until they answer: a row is deleted when it is answered, so it serves
# once, whichever process reads it. `poses`: words separated by spaces. Nothing here is about anybody.
challenges = Table(
    "challenges",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("poses", String(100), nullable=False),
    Column("expires_at", String(32), nullable=False, index=True),
)

# Clients with keys of their own. `digest`: SHA-256 of the key, gone once the tenant is removed; `prefix`: how the key
# begins. A removed tenant's row stays: its name is not given again. Unset limits are the settings'.
tenants = Table(
    "tenants",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("prefix", String(16), nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=True),
    Column("created_at", String(32), nullable=False),
    Column("rotated_at", String(32), nullable=True),
    Column("removed_at", String(32), nullable=True),
    Column("safety_threshold", Float, nullable=True),
    Column("likeness_review_distance", Float, nullable=True),
    Column("max_images", Integer, nullable=True),
)

# Pictures that may show a protected person and wait for an operator. The pixels are in a file in the home folder,
# sealed under a key of their own; without `wrapped_key` nobody can read them. `subjects`: numbers separated by
# spaces; `pixels`: SHA-256 of what a review is about; `words`: the operator's reason, sealed under `words_key`.
held = Table(
    "held",
    metadata,
    Column("content_id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("held_at", String(32), nullable=False),
    Column("until", String(32), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("subjects", Text, nullable=False),
    Column("pixels", String(64), nullable=False),
    Column("decided_at", String(32), nullable=True),
    Column("operator", String(100), nullable=True),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("words_key", LargeBinary, nullable=True),
    Column("words", LargeBinary, nullable=True),
)
