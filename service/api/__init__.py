"""The HTTP API: parse a request, call one use case, present the result."""

from service.api.app import create_app

__all__ = ["create_app"]
