"""Keys of tenants on PostgreSQL."""

from tests.unit.service.access.test_api_keys import *  # noqa: F403
