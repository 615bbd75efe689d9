"""A typed Python client, generated from an OpenAPI document: models by datamodel-code-generator, and a thin client."""

import keyword
import textwrap
from collections.abc import Iterator
from pathlib import Path

from scripts.client import models_of
from service.api.openapi import operations
from tests.support.openapi import Json

_CLIENT = '''
"""Generated. Do not edit."""

import json
from collections.abc import Mapping
from typing import Literal, Protocol

from pydantic import BaseModel, TypeAdapter

from generated_client import models


class Response(Protocol):
    status_code: int

    @property
    def content(self) -> bytes: ...


class Http(Protocol):
    """What the client needs of an HTTP library: httpx.Client has it."""

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        json: object,
        data: Mapping[str, str | list[str]] | None,
        files: list[tuple[str, tuple[str, bytes]]] | None,
    ) -> Response: ...


class ApiError(Exception):
    """An error response."""

    def __init__(self, problem: models.Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def _text(value: object) -> str:
    """A parameter or field as text."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return plain if isinstance(plain, str) else json.dumps(plain)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    """Parameters as text, without those that are not set."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _fields(values: Mapping[str, object]) -> dict[str, str | list[str]]:
    """Fields of a form as text; one for each item of a list."""
    return {
        name: [_text(each) for each in value] if isinstance(value, list) else _text(value)
        for name, value in values.items()
        if value is not None
    }


def _files(values: Mapping[str, bytes | list[bytes] | None]) -> list[tuple[str, tuple[str, bytes]]]:
    """Files as parts of a form."""
    parts: list[tuple[str, tuple[str, bytes]]] = []
    for name, value in values.items():
        for data in [value] if isinstance(value, bytes) else value or []:
            parts.append((name, (name, data)))
    return parts


class Client:
    def __init__(self, http: Http) -> None:
        self._http = http

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        headers: Mapping[str, object],
        body: object,
        fields: Mapping[str, object],
        files: Mapping[str, bytes | list[bytes] | None],
    ) -> Response:
        response = self._http.request(
            method,
            path,
            params=_texts(query) or None,
            headers=_texts(headers) or None,
            json=body,
            data=_fields(fields) or None,
            files=_files(files) or None,
        )
        if response.status_code >= 400:
            raise ApiError(models.Problem.model_validate_json(response.content))
        return response

'''

_METHOD = '''
def {name}({parameters}) -> {returns}:
    """{summary}."""
    response = self._send(
        {method!r}, f{path!r}, {query}, {headers}, {body}, {fields}, {files}
    )
{result}
'''


def generate_client(document: Json, folder: Path) -> None:
    """Write the package `generated_client` into a folder."""
    package = folder / "generated_client"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "models.py").write_text(models_of(document), encoding="utf-8")
    methods = [_method(*each) for each in operations(document)]
    (package / "client.py").write_text(_CLIENT.lstrip() + "".join(methods), encoding="utf-8")


def _method(method: str, path: str, operation: Json) -> str:
    required, optional = ["self", "*"], []
    places: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}, "fields": {}, "files": {}}
    for name, place, schema, needed in _arguments(operation):
        argument = name.lower().replace("-", "_")
        argument += "_" if keyword.iskeyword(argument) else ""
        places[place][name] = argument
        if needed:
            required.append(f"{argument}: {_type(schema)}")
        else:
            optional.append(f"{argument}: {_type(schema, nullable=True)} = None")
    body = _json_body(operation)
    if body:
        required.append(f"body: {body}")
    parameters = [*required, *optional]
    results = dict(_results(operation))
    text = _METHOD.format(
        name=operation["operationId"],
        parameters=", ".join(parameters if len(parameters) > 2 else ["self"]),
        returns=" | ".join(type_ for type_, _ in results.values()),
        summary=operation["summary"],
        method=method.upper(),
        path=path.format_map({name: f"{{{argument}}}" for name, argument in places["path"].items()}),
        query=_mapping(places["query"]),
        headers=_mapping(places["header"]),
        body='body.model_dump(mode="json", exclude_unset=True)' if body else "None",
        fields=_mapping(places["fields"]),
        files=_mapping(places["files"]),
        result=textwrap.indent(_return(results), "    "),
    )
    return textwrap.indent(text, "    ")


def _arguments(operation: Json) -> Iterator[tuple[str, str, Json, bool]]:
    """Name, place, schema and whether it is required, of each parameter and each part of a form."""
    for parameter in operation.get("parameters", []):
        yield parameter["name"], parameter["in"], parameter["schema"], parameter["required"]
    contents = operation.get("requestBody", {}).get("content", {})
    if next(iter(contents), "") == "application/json":
        return
    form = contents.get("multipart/form-data", {}).get("schema", {})
    for name, schema in form.get("properties", {}).items():
        yield name, "files" if _is_file(schema) else "fields", schema, name in form["required"]


def _json_body(operation: Json) -> str:
    contents = operation.get("requestBody", {}).get("content", {})
    first = next(iter(contents), "")  # what an operation prefers
    return _type(contents[first]["schema"]) if first == "application/json" else ""


def _results(operation: Json) -> Iterator[tuple[str, tuple[str, str]]]:
    """Status of each successful response, with its type and the expression that gives it."""
    for status, response in operation["responses"].items():
        if int(status) < 400 and not response.get("content"):
            yield status, ("None", "None")
        elif int(status) < 400:
            media_type, content = next(iter(response["content"].items()))  # not the event stream, if there is one
            if lines := content["schema"].get("contentSchema"):
                type_, body = f"list[{_type(lines)}]", 'b"[" + b",".join(response.content.splitlines()) + b"]"'
                yield status, (type_, f"TypeAdapter({type_}).validate_json({body})")
            elif media_type == "application/json":
                type_ = _type(content["schema"])
                yield status, (type_, f"TypeAdapter({type_}).validate_json(response.content)")
            elif media_type.startswith("text/"):
                yield status, ("str", "response.content.decode()")
            else:
                yield status, ("bytes", "response.content")


def _return(results: dict[str, tuple[str, str]]) -> str:
    *others, last = [f"return {result}" for _, result in results.values()]
    checks = [
        f"if response.status_code == {status}:\n    {text}" for status, text in zip(results, others, strict=False)
    ]
    return "\n".join([*checks, last])


def _mapping(names: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name!r}: {argument}" for name, argument in names.items()) + "}"


def _is_file(schema: Json) -> bool:
    return bool(schema.get("items", schema).get("format") == "binary")


_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def _type(schema: Json, *, nullable: bool = False) -> str:
    """The Python type of a schema. Raises KeyError for one that would be untyped."""
    if nullable:
        type_ = _type(schema)
        return type_ if "None" in type_.split(" | ") else f"{type_} | None"
    if "$ref" in schema:
        return "models." + str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(repr(value) for value in values)}]"
    if schema["type"] == "array":
        return f"list[{_type(schema['items'])}]"
    return "bytes" if schema.get("format") == "binary" else _SCALARS[schema["type"]]
