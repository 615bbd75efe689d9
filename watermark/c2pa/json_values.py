"""Values of the SDK's JSON, whose shape a file decides: each is what it should be, or empty."""

from typing import Any


def dict_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def dicts_of(value: object) -> list[dict[str, Any]]:
    return [each for each in list_of(value) if isinstance(each, dict)]


def text_of(value: object) -> str | None:
    return None if value is None else str(value)
