"""Requests of every operation, from the OpenAPI document: some keep to it, some break it in one place, some in many."""

import copy
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.support.openapi import Contract, Operation

Json = Any
Files = Callable[[random.Random], bytes]

STRINGS = (
    "", " ", "a lake at dawn", "0", "-1", "null", "true", "\0", "\x7f", "\u202e\u200b", "\U0001f600", "\ud7ff", "%00",
    "../../etc",
    "' OR 1=1 --", "<script>", "a" * 5000, "1e400", "NaN", "256x256", "0x0", "99999x99999", "urn:uuid:", "data:,",
    "[" * 300, '{"a":' * 50, "2026-02-30T25:61:00Z", "sha256:" + "0" * 64, "\r\nX: y",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 255, 256, 1 << 31, 1 << 63, -(1 << 63), 1 << 200, 0.5, -0.0, 1e308)
_DEPTH = 4


@dataclass(frozen=True)
class Request:
    """What `httpx` needs to send it, and the operation it is for."""

    operation: Operation
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Requests:
    """Makes them for one application. `files`: makes a file."""

    contract: Contract
    files: Files

    def make(self, rng: random.Random) -> Request:
        operation = rng.choice(self.contract.operations)
        path, query, headers = operation.path, list[str](), dict[str, str]()
        for parameter in operation.content.get("parameters", ()):
            value = text(self._parameter(parameter, rng))
            match parameter["in"]:
                case "path":
                    path = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
                case "query" if parameter.get("required") or rng.random() < 0.6:
                    query.append(f"{parameter['name']}={quote(value, safe='')}")
                case "header" if rng.random() < 0.8:
                    headers[parameter["name"]] = "".join(each for each in value if " " <= each <= "~").strip()
        url = path + ("?" + "&".join(query) if query else "")
        contents = operation.content.get("requestBody", {}).get("content", {})
        if not contents:
            return Request(operation, url, headers)
        kind = rng.choice(list(contents))
        return Request(operation, url, *self._body(kind, contents[kind], headers, rng))

    def _parameter(self, parameter: Json, rng: random.Random) -> Json:
        if "example" in parameter and rng.random() < 0.4:
            return parameter["example"]
        return self._value(parameter.get("schema", {}), rng)

    def _body(
        self, kind: str, content: Json, headers: dict[str, str], rng: random.Random
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and arguments of a body of this media type."""
        if kind == "application/json":
            value = self._like_an_example(content, rng)
            return headers, {"json": value}
        if kind == "multipart/form-data":
            schema = self._resolved(content.get("schema", {}))
            return headers, {"files": self._form(schema.get("properties", {}), rng)}
        mime = kind.replace("*", rng.choice(("png", "jpeg", "x")))
        return {**headers, "Content-Type": mime}, {"content": self.files(rng)}

    def _form(self, fields: Mapping[str, Json], rng: random.Random) -> list[tuple[str, tuple[Any, ...]]]:
        parts: list[tuple[str, tuple[Any, ...]]] = []
        for name, schema in fields.items():
            if rng.random() < 0.3:
                continue
            if is_file(schema) or is_file(schema.get("items", {})):
                parts.append((name, ("file", self.files(rng), "application/octet-stream")))
            else:
                parts.append((name, (None, text(self._value(schema, rng)))))
        return parts or [("nothing", (None, "x"))]

    def _like_an_example(self, content: Json, rng: random.Random) -> Json:
        known = [each["value"] for each in content.get("examples", {}).values()]
        known += [content["example"]] if "example" in content else []
        if not known or rng.random() < 0.4:
            return self._value(content.get("schema", {}), rng)
        value = copy.deepcopy(rng.choice(known))
        if isinstance(value, dict) and value:
            changed = rng.choice(list(value))
            value[changed] = anything(rng)
        return value

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self.contract.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _value(self, schema: Json, rng: random.Random, depth: int = 0) -> Json:
        schema = self._resolved(schema)
        if rng.random() < 0.12 or depth > _DEPTH:
            return anything(rng)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return rng.choice(schema["enum"])
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._value(rng.choice(schema[several]), rng, depth + 1)
        match schema.get("type"):
            case "object":
                required = schema.get("required", ())
                return {
                    name: self._value(each, rng, depth + 1)
                    for name, each in schema.get("properties", {}).items()
                    if rng.random() < (0.97 if name in required else 0.4)
                } | ({"unknown": anything(rng)} if rng.random() < 0.1 else {})
            case "array":
                return [self._value(schema.get("items", {}), rng, depth + 1) for _ in range(rng.randrange(4))]
            case "integer" | "number":
                edges = [
                    schema[each] for each in ("minimum", "maximum", "exclusiveMinimum", "default") if each in schema
                ]
                return rng.choice([*edges, *(edge + 1 for edge in edges), rng.choice(NUMBERS)])
            case "boolean":
                return rng.random() < 0.5
            case "null":
                return None
            case "string":
                return rng.choice([*schema.get("examples", ()), *STRINGS])
            case _:
                return anything(rng)


def is_file(schema: Json) -> bool:
    return "contentMediaType" in schema or schema.get("format") == "binary"


def anything(rng: random.Random) -> Json:
    """A value of any type."""
    return rng.choice((None, True, [], {}, [[]], {"": None}, rng.choice(STRINGS), rng.choice(NUMBERS[:-1])))


def text(value: Json) -> str:
    return value if isinstance(value, str) else str(value)
