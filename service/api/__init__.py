"""The HTTP API: parse, call one use case, present."""

from service.api.app import create_app

__all__ = ["create_app"]
