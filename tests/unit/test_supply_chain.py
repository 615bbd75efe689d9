"""The bill of materials, the audit, and what the container is built from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.output.json import JsonV1Dot6
from jsonschema import Draft202012Validator

from scripts import audit
from scripts.lock import split
from scripts.sbom import bill_of_materials

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "deploy/compose.yaml").read_text()


@pytest.fixture(scope="module")
def bom() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(JsonV1Dot6(bill_of_materials(["plain", "torch-cpu"])).output_as_string())
    return found


def test_the_bill_lists_every_package_of_the_locks(bom: dict[str, Any]) -> None:
    locked = [split((ROOT / f"requirements/{lock}.lock").read_text()) for lock in ("plain", "torch-cpu")]
    listed = {each["name"]: each for each in bom["components"]}
    assert listed.keys() == locked[0].keys() | locked[1].keys()
    pin = re.search(r"==(\S+)", locked[0]["pillow"])
    assert pin is not None
    assert listed["pillow"]["purl"] == f"pkg:pypi/pillow@{pin[1]}"
    files = {digest["content"] for each in listed["pillow"]["externalReferences"] for digest in each["hashes"]}
    assert files == set(re.findall(r"sha256:([0-9a-f]{64})", locked[0]["pillow"]))


def test_the_bill_is_cyclonedx_of_this_project(bom: dict[str, Any]) -> None:
    required = {"required": ["bomFormat", "specVersion", "serialNumber", "metadata", "components", "dependencies"]}
    Draft202012Validator(required).validate(bom)
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    root = bom["metadata"]["component"]
    assert (root["name"], root["type"]) == ("countermark", "application")
    depends = next(each["dependsOn"] for each in bom["dependencies"] if each["ref"] == root["bom-ref"])
    assert len(depends) == len(bom["components"])


def test_the_audit_reads_what_pip_audit_says() -> None:
    vulnerable = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    packages = [vulnerable, {"name": "b", "version": "1", "vulns": []}, {"name": "c", "skip_reason": "not found"}]
    result = audit.read(json.dumps({"dependencies": packages}))
    assert (result.known, result.asked) == (2, 3)
    assert result.vulnerable == ("a 1: PYSEC-1, fixed in 2",)
    with pytest.raises(ValueError, match="Expecting value"):
        audit.read("")


@pytest.mark.parametrize(
    ("result", "code", "says"),
    [
        (None, 0, "not audited: requirements/*.lock"),
        (audit.Audit(0, 90, ()), 0, "not audited: requirements/*.lock"),
        (audit.Audit(80, 90, ()), 0, "not audited: 10 packages"),
        (audit.Audit(90, 90, ("a 1: PYSEC-1",)), 1, "PYSEC-1"),
        (audit.Audit(90, 90, ()), 0, ""),
    ],
)
def test_the_audit_fails_for_known_vulnerabilities_alone(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    result: audit.Audit | None,
    code: int,
    says: str,
) -> None:
    monkeypatch.setattr(audit, "ask", lambda requirements: result)
    assert audit.main() == code
    err = capsys.readouterr().err
    assert says in err
    assert bool(says) == bool(err)


def test_the_audit_asks_about_every_package_once() -> None:
    names = re.findall(r"^([\w.-]+)==", audit.every_package(), re.MULTILINE)
    assert len(names) == len(set(names)) > 100
    assert {"pillow", "torch", "pytest"} <= set(names)


def test_the_base_is_pinned_by_digest_and_everything_else_by_hash() -> None:
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}"}
    assert re.search(r"^ARG BASE=python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    installs = re.findall(r"pip install (.*?)(?:\\|;|&&|\n)", DOCKERFILE)
    assert all("--require-hashes" in each or "--no-deps" in each for each in installs)


def test_the_container_has_no_more_than_it_needs() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert "--open" not in re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[-1]
    service = COMPOSE.partition("  caddy:")[0]
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", 'user: "10001"', "/tmp:size="):
        assert line in service
    assert "ports:" not in service  # only the proxy is reached from outside
