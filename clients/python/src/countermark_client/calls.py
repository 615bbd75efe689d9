"""The requests of the API, without sending them: what is sent, and how its answer is read.

Both clients send these; so an operation is written once.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from countermark_client import models

T = TypeVar("T")
Part = tuple[str, tuple[str, bytes]]
Fields = Mapping[str, Any]
Detected = models.Detection | models.FailedDetection
Inspected = models.Report | models.FailedInspection


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `repeatable`: sent twice, it is carried out once."""

    method: str
    path: str
    read: Callable[[bytes], T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    fields: Mapping[str, str | list[str]] = field(default_factory=dict)
    files: Sequence[Part] = ()
    repeatable: bool = True


def generate(prompt: str, options: Fields) -> Call[models.ImagesResponse]:
    body = {"prompt": prompt, **_given(options)}
    return Call("POST", "/v1/images/generations", _reader(models.ImagesResponse), json=body, headers=_key())


def start_generation(prompt: str, options: Fields) -> Call[models.Job]:
    body = {"prompt": prompt, **_given(options), "async": True}
    return Call("POST", "/v1/images/generations", _reader(models.Job), json=body, headers=_key())


def edit(prompt: str, image: bytes, mask: bytes | None, options: Fields) -> Call[models.ImagesResponse]:
    files: list[Part] = [("image", ("image", image)), *([] if mask is None else [("mask", ("mask", mask))])]
    fields = {name: _text(value) for name, value in {"prompt": prompt, **_given(options)}.items()}
    read = _reader(models.ImagesResponse)
    return Call("POST", "/v1/images/edits", read, fields=fields, files=files, headers=_key())


def inspect(data: bytes, name: str, manifest: bytes | None) -> Call[models.Report]:
    beside: list[Part] = [] if manifest is None else [("manifest", ("manifest.c2pa", manifest))]
    return Call("POST", "/v1/inspect", _reader(models.Report), files=[("file", (name, data)), *beside])


def detect(files: Sequence[bytes]) -> Call[list[Detected]]:
    return Call("POST", "/v1/detect", _lines(Detected), files=_numbered(files))


def start_inspection(files: Sequence[bytes]) -> Call[models.Job]:
    return Call("POST", "/v1/inspections", _reader(models.Job), files=_numbered(files), headers=_key())


def job(number: str) -> Call[models.Job]:
    return Call("GET", f"/v1/jobs/{quote(number, safe='')}", _reader(models.Job))


def cancel_job(number: str) -> Call[models.Job]:
    return Call("POST", f"/v1/jobs/{quote(number, safe='')}/cancel", _reader(models.Job))


def generation_result(number: str) -> Call[models.ImagesResponse]:
    return Call("GET", f"/v1/jobs/{quote(number, safe='')}/result", _reader(models.ImagesResponse))


def inspection_result(number: str) -> Call[list[Inspected]]:
    return Call("GET", f"/v1/jobs/{quote(number, safe='')}/result", _lines(Inspected))


def list_models() -> Call[models.ServedModels]:
    return Call("GET", "/v1/models", _reader(models.ServedModels))


def ready() -> Call[models.Readiness]:
    return Call("GET", "/readyz", _reader(models.Readiness))


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def _given(options: Fields) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _text(value: object) -> str | list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _numbered(files: Sequence[bytes]) -> list[Part]:
    return [("file", (str(number), data)) for number, data in enumerate(files, 1)]


_M = TypeVar("_M", bound=BaseModel)


def _reader(model: type[_M]) -> Callable[[bytes], _M]:
    return model.model_validate_json


def _lines(line_type: Any) -> Callable[[bytes], list[Any]]:
    """Reads lines of JSON. `line_type`: a model, or a union of models."""
    adapter = TypeAdapter[Any](line_type)
    return lambda content: [adapter.validate_json(line) for line in content.splitlines() if line]
