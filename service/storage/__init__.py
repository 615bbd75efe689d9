"""Tables, migrations and the engine behind the ledger: SQLite by default, PostgreSQL by URL."""

from service.storage.engine import open_engine, reading, scrub, writing
from service.storage.tables import (
    REVISION,
    appeals,
    blocklist,
    blocklist_revision,
    challenges,
    decisions,
    grants,
    held,
    images,
    subjects,
    takedowns,
    templates,
    tenants,
    uses,
)

__all__ = [
    "REVISION",
    "appeals",
    "blocklist",
    "blocklist_revision",
    "challenges",
    "decisions",
    "grants",
    "held",
    "images",
    "open_engine",
    "reading",
    "scrub",
    "subjects",
    "takedowns",
    "templates",
    "tenants",
    "uses",
    "writing",
]
