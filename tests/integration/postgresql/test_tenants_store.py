"""The list of tenants on PostgreSQL."""

from tests.unit.service.access.test_tenants import *  # noqa: F403
