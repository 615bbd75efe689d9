"""Webhooks on PostgreSQL."""

from tests.unit.service.jobs.conftest import *  # noqa: F403
from tests.unit.service.jobs.test_deliveries import *  # noqa: F403
