"""The store of held pictures on PostgreSQL."""

from tests.unit.service.gateway.test_review_queue import *  # noqa: F403

# It has SQLite fail by a trigger of SQLite's.
del test_what_cannot_be_recorded_is_not_kept  # noqa: F821
