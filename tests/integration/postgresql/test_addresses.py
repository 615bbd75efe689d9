"""What PostgreSQL does not take as text, at the API's doors."""

from tests.unit.service.api.test_middleware import *  # noqa: F403
