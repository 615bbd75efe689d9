"""Alembic's entry: migrations run on the connection and in the transaction that `open_engine` holds."""

from alembic import context

from service.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
