"""Sessions at the operator's pages on PostgreSQL."""

from tests.unit.service.access.test_operator_sessions import *  # noqa: F403
