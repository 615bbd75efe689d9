"""The limits of keys on PostgreSQL."""

from tests.unit.service.access.test_usage import *  # noqa: F403
