"""Kept answers on PostgreSQL."""

from tests.unit.service.jobs.test_answers import *  # noqa: F403
