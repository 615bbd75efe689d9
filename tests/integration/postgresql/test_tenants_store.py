"""The list of tenants on PostgreSQL."""

from tests.unit.service.test_tenants import *  # noqa: F403
