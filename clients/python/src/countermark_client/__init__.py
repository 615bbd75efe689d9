"""A typed client of Countermark's HTTP API."""

from countermark_client.asynchronous import AsyncCountermark
from countermark_client.client import Countermark
from countermark_client.errors import ApiError, CountermarkError, JobNotEnded, Unreachable, WebhookError
from countermark_client.images import image_files
from countermark_client.retries import Retries
from countermark_client.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncCountermark",
    "Countermark",
    "CountermarkError",
    "JobNotEnded",
    "Retries",
    "Unreachable",
    "WebhookError",
    "image_files",
    "verify_webhook",
]
