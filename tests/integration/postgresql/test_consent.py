"""Consent on PostgreSQL."""

from tests.integration.test_consent import *  # noqa: F403
