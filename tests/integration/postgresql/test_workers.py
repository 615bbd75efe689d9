"""Several workers of one server over PostgreSQL."""

from tests.integration.test_workers import *  # noqa: F403
