"""Tenants on PostgreSQL, at every door."""

from tests.integration.test_tenants import *  # noqa: F403
