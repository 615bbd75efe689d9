"""Tables, migrations and the engine behind the ledger: SQLite by default, PostgreSQL by URL."""

from service.storage.engine import open_engine, writing
from service.storage.tables import REVISION, decisions, images

__all__ = ["REVISION", "decisions", "images", "open_engine", "writing"]
