"""Notices on PostgreSQL."""

from tests.unit.service.moderation.test_takedowns import *  # noqa: F403

# These look into SQLite's files.
del test_where_a_reader_keeps_traces_forgetting_says_so  # noqa: F821
