"""Jobs on PostgreSQL."""

from tests.unit.service.jobs.conftest import *  # noqa: F403
from tests.unit.service.jobs.test_image_jobs import *  # noqa: F403
from tests.unit.service.jobs.test_queue import *  # noqa: F403
