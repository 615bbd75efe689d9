"""The tables. A change here needs a migration: a test compares the two."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from service.storage.types import UtcDateTime

REVISION = "0020"
"""The newest migration. A database at an older revision is upgraded when it is opened."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# Which database this is: a random id, made with this table. One row. `upgraded`: the database is older than the table.
ledger_identity = Table(
    "ledger_identity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("database_id", String(32), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("upgraded", Boolean, nullable=False),
)

# Every decision, in order. Each row's hash covers the hash of the row before it. `previous` is unique, so the chain
# cannot fork. `body` is the canonical JSON that was hashed; it stays text, because another spelling has another hash.
decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime("milliseconds"), nullable=False),
    Column("kind", String(32), nullable=False, index=True),
    Column("subject", String(64), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

# Hashes of the complete subtrees of the Merkle tree over the decisions, numbered in the order in which they became
# complete (see `service.ledger.merkle`); decision N is leaf N - 1.
merkle_nodes = Table(
    "merkle_nodes",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# Every issued image: enough to recognise a copy and to restore its credential. No prompt, no user, no pixels.
# `number` counts the images in the order in which they were issued, so that an index can ask for those after N.
images = Table(
    "images",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("mark_id", BigInteger, nullable=False, unique=True),
    Column("content_id", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime(), nullable=False),
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
    # Holds all that a search needs, so that following the newest images reads no manifests.
    Index("ix_images_fingerprints", "number", "fingerprint", "mark_id"),
)

# The identifier of each image's active manifest (urn:c2pa:...), by which others ask for it.
manifests = Table(
    "manifests",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("image", Integer, ForeignKey("images.number"), nullable=False),
)

# Hashes of blocked images: 64 hex digits of SHA-256 or PDQ. An entry is withdrawn, never deleted. Several sources may
# list one hash; it is blocked while one of them is active. `revision` is that of the row's last change.
blocklist = Table(
    "blocklist",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list", String(64), nullable=False),
    Column("source", String(200), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("hash", String(64), nullable=False, index=True),
    Column("reason", String(500), nullable=False),
    Column("added_at", UtcDateTime(), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False, index=True),
    Column("until", UtcDateTime(), nullable=True),
    UniqueConstraint("list", "source", "kind", "hash", name="uq_blocklist_entry"),
)

# Counts the changes of the blocklist, so that each process can tell that its snapshot is out of date. One row.
blocklist_revision = Table(
    "blocklist_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)

# Takedown notices. Personal data (signature, statement, contact, location) is in `sealed` alone; without
# `wrapped_key` nobody can read it. `target` is a content id, a SHA-256 or a keyed digest: duplicates share it.
# `sender` is a keyed digest of the address that an anonymous notice came from; its block ends at `quarantined_until`.
takedowns = Table(
    "takedowns",
    metadata,
    Column("case", String(32), primary_key=True),
    Column("pin_salt", LargeBinary(16), nullable=False),
    Column("pin_hash", LargeBinary(32), nullable=False),
    Column("received_at", UtcDateTime(), nullable=False),
    Column("due_at", UtcDateTime(), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("decided", String(16), nullable=True),
    Column("decided_at", UtcDateTime(), nullable=True),
    Column("operator", String(100), nullable=True),
    Column("content_id", String(64), nullable=True),
    Column("sha256", String(64), nullable=True),
    Column("target", String(80), nullable=False, index=True),
    Column("duplicate_of", String(32), ForeignKey("takedowns.case"), nullable=True),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Column("sender", String(64), nullable=True),
    Column("quarantined_until", UtcDateTime(), nullable=True),
)

# Appeals against refusals, verdicts and takedowns. Statement, contact and reason are sealed as in a notice.
appeals = Table(
    "appeals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("about", String(16), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("filed_at", UtcDateTime(), nullable=False),
    Column("status", String(16), nullable=False),
    Column("resolved_at", UtcDateTime(), nullable=True),
    Column("operator", String(100), nullable=True),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
)

# People whose likeness is protected or may be used. The name is in `sealed`, under the person's own key; without
# `wrapped_key` neither the name nor any template can be read again.
subjects = Table(
    "subjects",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("retain_until", UtcDateTime(), nullable=True),
    Column("protected", Boolean, nullable=False),
    Column("pin_salt", LargeBinary(16), nullable=False),
    Column("pin_hash", LargeBinary(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Column("erased_at", UtcDateTime(), nullable=True),
)

# Face embeddings, sealed under their subject's key. `model` is the digest of the model that computed them.
# Ids grow and are never reused, so that an index can ask for the templates after N.
templates = Table(
    "templates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String(32), ForeignKey("subjects.id"), nullable=False, index=True),
    Column("model", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

# What a subject allowed. `scopes` is a list; `receipt` is the signed proof (compact JWS).
grants = Table(
    "grants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(32), ForeignKey("subjects.id"), nullable=False, index=True),
    Column("purpose", String(200), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("grantee", String(100), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False),
    Column("revoked_at", UtcDateTime(), nullable=True),
    Column("receipt", Text, nullable=False),
    Column("receipt_digest", String(64), nullable=False, unique=True),
)

# Which image was generated under which grant. The image may be stored later in the same transaction.
uses = Table(
    "uses",
    metadata,
    Column("grant", String(32), ForeignKey("grants.id"), nullable=False),
    Column(
        "content_id",
        String(64),
        ForeignKey("images.content_id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    Column("at", UtcDateTime(), nullable=False),
    Column("withdrawn_at", UtcDateTime(), nullable=True),
    PrimaryKeyConstraint("grant", "content_id", name="pk_uses"),
)

# Open challenges of people who enrol themselves. A row is deleted when it is answered, so a challenge works once,
# whichever process reads it. `poses` is a list. No personal data.
challenges = Table(
    "challenges",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("poses", JSON, nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False, index=True),
)

# Wrong PINs by number (of a subject or a case) and address, a keyed digest; the row without address counts all of them.
pin_failures = Table(
    "pin_failures",
    metadata,
    Column("number", String(32), nullable=False),
    Column("address", String(64), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime(), nullable=False, index=True),
    PrimaryKeyConstraint("number", "address", name="pk_pin_failures"),
)

# Clients with their own API keys. A removed tenant's row stays, so that its name is never reused. NULL limits are the
# settings'.
tenants = Table(
    "tenants",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("rotated_at", UtcDateTime(), nullable=True),
    Column("removed_at", UtcDateTime(), nullable=True),
    Column("safety_threshold", Float, nullable=True),
    Column("likeness_review_distance", Float, nullable=True),
    Column("max_images", Integer, nullable=True),
)

# Keys of tenants. `id` is how the key begins, `digest` the SHA-256 of all of it (NULL for keys that version 0.1
# revoked). `lineage` is the first of the keys that replaced one another: they share what they have used. `scopes` is a
# list. NULL limits do not exist.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(64), ForeignKey("tenants.name"), nullable=False, index=True),
    Column("digest", LargeBinary(32), nullable=True),
    Column("lineage", String(16), ForeignKey("api_keys.id"), nullable=False),
    Column("label", String(100), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=True),
    Column("revoked_at", UtcDateTime(), nullable=True),
    Column("last_used_at", UtcDateTime(), nullable=True),
    Column("replaced_by", String(16), ForeignKey("api_keys.id"), nullable=True),
    Column("requests_per_minute", Integer, nullable=True),
    Column("images_per_day", Integer, nullable=True),
    Column("images_per_month", Integer, nullable=True),
    Column("examinations_per_day", Integer, nullable=True),
    Column("examinations_per_month", Integer, nullable=True),
)

# What was used of a quota (`images_per_day`, ...) in the window that ends at `until`. Other windows have no row.
key_usage = Table(
    "key_usage",
    metadata,
    Column("lineage", String(16), ForeignKey("api_keys.id"), nullable=False),
    Column("quota", String(32), nullable=False),
    Column("used", Integer, nullable=False),
    Column("until", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("lineage", "quota", name="pk_key_usage"),
)

# The token bucket of a lineage of keys with a rate: how many requests may still come at once, as of `at`.
key_buckets = Table(
    "key_buckets",
    metadata,
    Column("lineage", String(16), ForeignKey("api_keys.id"), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", UtcDateTime("milliseconds"), nullable=False),
)

# Who is signed in at the operator's pages. `token` is the SHA-256 of what the browser has.
operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("token", LargeBinary(32), primary_key=True),
    Column("key", String(16), ForeignKey("api_keys.id"), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False, index=True),
)

# Images that may show a protected person and wait for an operator. The pixels are in a file in the home folder, sealed
# under their own key; without `wrapped_key` nobody can read them. `tenant` is NULL for the installation itself,
# `subjects` a list of subject ids, `pixels` the SHA-256 of the reviewed pixels, `words` the operator's reason, sealed
# under `words_key`.
held = Table(
    "held",
    metadata,
    Column("content_id", String(64), primary_key=True),
    Column("tenant", String(64), ForeignKey("tenants.name"), nullable=True),
    Column("held_at", UtcDateTime(), nullable=False),
    Column("until", UtcDateTime(), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("subjects", JSON, nullable=False),
    Column("pixels", String(64), nullable=False),
    Column("decided_at", UtcDateTime(), nullable=True),
    Column("operator", String(100), nullable=True),
    Column("wrapped_key", LargeBinary, nullable=True),
    Column("words_key", LargeBinary, nullable=True),
    Column("words", LargeBinary, nullable=True),
)

# Requests with an Idempotency-Key. `id` is a keyed digest of the caller and the key, `fingerprint` one of the request.
# `owner` works on the answer until `lease_until`, unless it renews that. Once there is an answer, its `status` and
# `headers` are here, and its body in a file in the home folder, sealed under its own key; `size` counts its bytes.
answers = Table(
    "answers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("caller", String(64), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False, index=True),
    Column("owner", String(32), nullable=False),
    Column("lease_until", UtcDateTime("milliseconds"), nullable=False),
    Column("status", Integer, nullable=True),
    Column("headers", JSON, nullable=True),
    Column("size", BigInteger, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=True),
)

# Work that nobody waits for on a connection. `tenant` is NULL for the installation itself, `client_key` what names the
# key that was shown. A job that waits has no owner; one that is worked on has an owner, who renews `lease_until`.
# `version` counts its changes, `attempts` how often it was begun without getting on. What it was asked to do, and its
# result, are files in the home folder that `place` names, sealed under `wrapped_key`; `size` counts their bytes.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), ForeignKey("tenants.name"), nullable=True, index=True),
    Column("client_key", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_at", UtcDateTime("milliseconds"), nullable=False),
    Column("not_before", UtcDateTime("milliseconds"), nullable=False),
    Column("started_at", UtcDateTime("milliseconds"), nullable=True),
    Column("ended_at", UtcDateTime("milliseconds"), nullable=True),
    Column("expires_at", UtcDateTime(), nullable=True, index=True),
    Column("owner", String(32), nullable=True),
    Column("lease_until", UtcDateTime("milliseconds"), nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("error", JSON, nullable=True),
    Column("place", String(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Index("ix_jobs_status", "status", "not_before"),
)

# Which image of a job was issued. Written in the transaction that issues it, so that none is issued twice.
job_images = Table(
    "job_images",
    metadata,
    Column("job", String(32), ForeignKey("jobs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column(
        "content_id",
        String(64),
        ForeignKey("images.content_id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        unique=True,
    ),
    PrimaryKeyConstraint("job", "number", name="pk_job_images"),
)

# What the classifiers said of an examined file, without the file: `file` is a keyed digest of its SHA-256, and `day`
# the beginning of the day (UTC), not the time. Written only if the operator sets for how many days it is kept.
# `candidate`: what a model on trial said of the same image; it is in no answer.
examinations = Table(
    "examinations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("day", UtcDateTime(), nullable=False, index=True),
    Column("file", String(64), nullable=False, index=True),
    Column("calibration", String(300), nullable=False),
    Column("kind", String(32), nullable=True),
    Column("p_synthetic", Float, nullable=False),
    Column("verdict", String(32), nullable=False),
    Column("in_scope", Boolean, nullable=False),
    Column("candidate", String(300), nullable=True),
    Column("candidate_score", Float, nullable=True),
    Column("candidate_verdict", String(32), nullable=True),
)

# What somebody says an examined image is. One label for each examination: a later one replaces it. `tenant` is NULL for
# whoever showed no key. Deleted with its examination.
feedback = Table(
    "feedback",
    metadata,
    Column("examination", String(32), ForeignKey("examinations.id"), primary_key=True),
    Column("label", String(16), nullable=False),
    Column("who", String(16), nullable=False),
    Column("tenant", String(64), ForeignKey("tenants.name"), nullable=True),
    Column("at", UtcDateTime("milliseconds"), nullable=False),
)

# Where a tenant is told that its jobs have ended; `tenant` is NULL for the installation itself. The secret that signs
# is in `sealed`, under its own key.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), ForeignKey("tenants.name"), nullable=True, index=True),
    Column("url", String(2000), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# What a webhook is told, written in the transaction that ends the job; `body` is the JSON that is sent, without
# personal data. `owner` sends it until `lease_until`. `outcome` is what became of the last attempt.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("webhook", String(32), ForeignKey("webhooks.id"), nullable=False, index=True),
    Column("job", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcDateTime("milliseconds"), nullable=False),
    Column("not_before", UtcDateTime("milliseconds"), nullable=False),
    Column("owner", String(32), nullable=True),
    Column("lease_until", UtcDateTime("milliseconds"), nullable=True),
    Column("outcome", String(200), nullable=True),
    Column("expires_at", UtcDateTime(), nullable=True, index=True),
    Index("ix_deliveries_status", "status", "not_before"),
)
