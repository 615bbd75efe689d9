"""Webhooks as https://www.standardwebhooks.com specifies them."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from countermark_client.errors import WebhookError

TOLERANCE: Final = 300.0
"""Seconds by which the two clocks may differ; an older request may be a replay."""


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None) -> dict[str, Any]:
    """The event in a webhook's body.

    `secret`: `whsec_...`, as the operator gave it. Remember `webhook-id` and ignore one that comes again.

    Raises:
        WebhookError: the signature is wrong or missing, the request is older than five minutes, or it is no JSON.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        number, sent, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        seconds = int(sent)
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except KeyError as missing:
        raise WebhookError(f"the header {missing} is missing") from missing
    except (ValueError, binascii.Error) as malformed:
        raise WebhookError(f"the timestamp or the secret is malformed: {malformed}") from malformed
    if abs((time.time() if now is None else now) - seconds) > TOLERANCE:
        raise WebhookError("the request is too old, or a clock is wrong")
    signed = hmac.new(key, f"{number}.{sent}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signed).decode()
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures.split()):
        raise WebhookError("the signature is not the server's")
    try:
        event = json.loads(body)
    except ValueError as strange:
        raise WebhookError("the body is no JSON") from strange
    if not isinstance(event, dict):
        raise WebhookError("the body is no event")
    return event
