"""The OpenAPI document as a contract: what it says about an operation, and whether a response keeps to it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from service.api.openapi import operations
from service.api.problems import MEDIA_TYPE

Json = dict[str, Any]


class Response(Protocol):
    """A response that was read, of any HTTP client."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def text(self) -> str: ...

    def json(self) -> Any: ...


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    document: Json
    method: str
    path: str
    content: Json

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the paths of its requests."""
        return re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(self.path)))

    @property
    def id(self) -> str:
        name: str = self.content["operationId"]
        return name

    def codes(self, status: int) -> set[str]:
        """The error codes that it documents for a status."""
        content = self.content["responses"].get(str(status), {}).get("content", {})
        return set(content.get(MEDIA_TYPE, {}).get("examples", {}))

    def faults(self, response: Response) -> list[str]:
        """How a response that was read differs from what is documented; empty if it does not."""
        documented = self.content["responses"].get(str(response.status_code))
        if documented is None:
            return [f"status {response.status_code} is not documented: {response.text[:200]}"]
        if response.status_code == 204:
            return [] if not response.text else ["status 204 has a body"]
        media_type = response.headers.get("content-type", "").partition(";")[0]
        content = documented.get("content", {}).get(media_type)
        if content is None:
            return [f"media type {media_type} of status {response.status_code} is not documented"]
        if "contentSchema" in content["schema"]:
            schema, lines = content["schema"]["contentSchema"], response.text.splitlines()
            if media_type == "text/event-stream":
                lines = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
            return [fault for line in lines for fault in self.invalid(schema, json.loads(line))]
        if media_type == "application/c2pa":
            return []
        sent = response.text if media_type == "text/plain" else response.json()
        faults = self.invalid(content["schema"], sent)
        if media_type == MEDIA_TYPE and (code := response.json()["code"]) not in self.codes(response.status_code):
            faults.append(f"code {code} of status {response.status_code} is not documented")
        return faults

    def invalid(self, schema: Json, value: object) -> list[str]:
        """Where a value does not match a schema of the document."""
        validator = Draft202012Validator({**schema, "components": self.document["components"]})
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


class Contract:
    """The operations of an application."""

    def __init__(self, app: FastAPI) -> None:
        self.document = app.openapi()
        self.operations = [Operation(self.document, *each) for each in operations(self.document)]

    def __getitem__(self, operation_id: str) -> Operation:
        return next(each for each in self.operations if each.id == operation_id)

    def find(self, method: str, path: str) -> Operation | None:
        """The operation that a request is for; one with a literal path before one with parameters."""
        found = [each for each in self.operations if each.method == method.lower() and each.pattern.fullmatch(path)]
        return min(found, key=lambda each: each.path.count("{"), default=None)


def check_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every `TestClient` fail on a response that the OpenAPI document of its application does not describe."""
    send = TestClient.send

    def checked(self: TestClient, request: Any, **options: Any) -> Any:
        response = send(self, request, **options)
        operation = _contract(self.app).find(request.method, request.url.path)
        if operation is not None and response.is_closed:
            faults = operation.faults(response)
            assert not faults, f"{operation.id} answers what it does not document: {faults}"
        return response

    monkeypatch.setattr(TestClient, "send", checked)


_contracts: list[Contract] = []


def _contract(app: object) -> Contract:
    """Derived once: the document is the same for every application that `create_app` makes."""
    if not _contracts:
        assert isinstance(app, FastAPI)
        _contracts.append(Contract(app))
    return _contracts[0]
