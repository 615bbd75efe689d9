"""Blocklists, notices and appeals on PostgreSQL, through the doors."""

from tests.integration.test_notices import *  # noqa: F403
