"""Appeals on PostgreSQL."""

from tests.unit.service.moderation.test_appeals import *  # noqa: F403
