"""A client generated from the OpenAPI document: it compiles, is typed everywhere, and understands the API."""

import base64
import compileall
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mypy import api as mypy
from pydantic import BaseModel, RootModel

from service.api import create_app
from service.installation import Installation, open_installation
from service.kit.settings import Settings
from tests.assets import hostile
from tests.support.client_generator import generate_client
from tests.unit.service.api.test_openapi import OPERATIONS

FREE_FORM = {"Claimed.disclosures"}
"""Assertions of a C2PA manifest: their JSON is whatever its signer wrote."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    installation = open_installation(Settings(home=tmp_path_factory.mktemp("home"), threads=1))
    folder = tmp_path_factory.mktemp("generated")
    generate_client(create_app(installation).openapi(), folder)
    installation.close()
    return folder


@pytest.fixture(scope="module")
def package(folder: Path) -> Iterator[Any]:
    sys.path.insert(0, str(folder))
    try:
        importlib.import_module("generated_client.client")
        yield importlib.import_module("generated_client")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "generated_client"]:
            del sys.modules[name]


@pytest.fixture
def client(package: Any, painted_installation: Installation) -> Any:
    http = TestClient(create_app(painted_installation), raise_server_exceptions=False)
    return package.client.Client(http)


def test_it_compiles(folder: Path) -> None:
    assert compileall.compile_dir(folder, quiet=2, force=True)


def test_it_passes_mypy_and_every_result_has_a_type(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    calls = "\n".join(f"    reveal_type(client.{name})" for name in OPERATIONS)
    head = "from generated_client.client import Client\n\n\ndef program(client: Client) -> None:\n"
    (folder / "program.py").write_text(head + calls + "\n", "utf-8")
    monkeypatch.chdir(folder)  # away from this project's configuration
    assert pytestconfig.cache is not None
    cache = str(pytestconfig.cache.mkdir("generated_client_mypy"))
    output, errors, status = mypy.run(["--strict", "--config-file=", "--cache-dir", cache, "program.py"])
    assert (status, errors) == (0, ""), output
    revealed = re.findall(r'Revealed type is "(.*)"', output)
    assert len(revealed) == len(OPERATIONS)
    assert [each for each in revealed if re.search(r"\bAny\b", each)] == []


def test_no_field_of_a_model_is_untyped(package: Any) -> None:
    models = {name: each for name, each in vars(package.models).items() if _is_model(each)}
    assert {"Report", "ImagesResponse", "TakedownReceipt", "ConsentReceiptStatus", "Problem"} <= models.keys()
    untyped = {
        f"{name}.{field}"
        for name, model in models.items()
        for field, hint in typing.get_type_hints(model).items()
        if field in model.model_fields and "Any" in str(hint)
    }
    assert untyped == FREE_FORM


def test_every_schema_is_one_class_of_its_name(package: Any, installation: Installation) -> None:
    """A generator adds a number to a name that is taken already, as it may for the item of a list of texts."""
    classes = {name for name, each in vars(package.models).items() if _is_model(each)}
    objects = {name for name in classes if not issubclass(getattr(package.models, name), RootModel)}
    schemas = create_app(installation).openapi()["components"]["schemas"]
    assert objects == {name for name, schema in schemas.items() if "properties" in schema}
    assert {name for name in objects if re.sub(r"\d+$", "", name) in classes - {name}} == set()


def test_it_has_a_method_for_every_operation(package: Any) -> None:
    methods = inspect.getmembers(package.client.Client, inspect.isfunction)
    assert {name for name, _ in methods if not name.startswith("_")} == OPERATIONS.keys()


def _is_model(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, BaseModel) and value.__module__.endswith(".models")


# It talks to the API.


def test_it_orders_and_inspects_an_image(client: Any, package: Any) -> None:
    body = package.models.ImageGenerationRequest(prompt="a lake", n=2, seed=5)
    response = client.generate_images(body=body)
    assert [each.seed for each in response.countermark.images] == [5, 6]
    report = client.inspect_image(file=base64.b64decode(response.data[0].b64_json))
    assert isinstance(report, package.models.Report)
    assert report.verdict == "issued_here"


def test_it_sends_a_form(client: Any, package: Any) -> None:
    image = hostile.save(hostile.picture(), "PNG")
    with pytest.raises(package.client.ApiError) as error:
        client.edit_images(prompt="a lake", image=image, grants=["G-0000-0000-0000-0000"] * 9, seed=5)
    assert (error.value.problem.code, "grants" in error.value.problem.detail) == ("bad_request", True)


def test_it_reads_lines(client: Any, package: Any) -> None:
    image = hostile.save(hostile.picture(), "PNG")
    judged, failed = client.detect_images(file=[image, b"text"], threshold_fpr=0.05)
    assert isinstance(judged.root, package.models.Detection)
    assert isinstance(failed.root, package.models.FailedDetection)
    assert failed.root.error.code == "unsupported_format"


def test_it_files_notices_and_appeals(client: Any, package: Any) -> None:
    notice = package.models.Notice(
        signature="Ann", url="https://example.com", statement="Not agreed.", good_faith=True, contact="ann@example.com"
    )
    receipt = client.file_takedown(body=notice)
    case = client.get_takedown(case=receipt.case, x_case_pin=receipt.pin)
    assert (case.case, case.status, case.decided_at) == (receipt.case, "received", None)


def test_it_raises_problems(client: Any, package: Any) -> None:
    with pytest.raises(package.client.ApiError) as error:
        client.get_appeal(number="A-NONE")
    assert error.value.problem.code == "not_found"
    assert client.check_readiness().status == "ready"
