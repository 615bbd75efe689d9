import datetime as dt
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from service import __version__
from service.access.pin_attempts import ATTACKED
from service.installation import Installation
from service.keys import claim_signer
from service.kit.clock import utc_now
from service.kit.errors import Unavailable
from tests.support.people import enrolled


def test_liveness_asks_nothing(client: TestClient, installation: Installation) -> None:
    installation.ledger.close()
    assert client.get("/healthz").json() == {"status": "ok", "version": __version__}


def test_readiness_tells_whether_images_are_generated(client: TestClient, painting_client: TestClient) -> None:
    told = painting_client.get("/readyz").json()
    expires = dt.datetime.fromisoformat(told.pop("signing_expires_at"))
    assert told == {
        "status": "ready",
        "decisions": 0,
        "unrecorded_refusals": 0,
        "generation": "ready",
        "checkpoints": "off",
        "parsing": "none",
        "warnings": [],
    }
    assert expires > dt.datetime.now(dt.UTC)


def test_readiness_warns_before_the_certificate_expires(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = replace(installation.signing, source="files", days_left=12)
    monkeypatch.setattr(claim_signer, "status", lambda *args: soon)
    (warning,) = client.get("/readyz").json()["warnings"]
    assert "in 12 days" in warning


def fail_pins(installation: Installation, subject: str, times: int) -> None:
    with installation.ledger.write() as stored:
        for _ in range(times):
            stored.pin_failures.add(subject, "0" * 64, utc_now())


def test_readiness_warns_of_pins_that_are_guessed_and_names_nobody(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = enrolled(installation.consent).subject
    fail_pins(installation, subject, ATTACKED - 1)
    assert client.get("/readyz").json()["warnings"] == []
    fail_pins(installation, subject, 1)
    (warning,) = client.get("/readyz").json()["warnings"]
    assert "PIN of 1 number was tried wrongly 20 times" in warning
    assert subject not in warning
    soon = replace(installation.signing, source="files", days_left=12)
    monkeypatch.setattr(claim_signer, "status", lambda *args: soon)
    assert len(client.get("/readyz").json()["warnings"]) == 2


def test_readiness_without_a_gateway(client: TestClient) -> None:
    assert client.get("/readyz").json()["generation"] == "off"


def test_readiness_without_the_ledger(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise Unavailable("the ledger cannot be read")

    monkeypatch.setattr(installation.ledger, "ready", fail)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["retry-after"]) > 0


def test_readiness_tells_what_the_sinks_of_checkpoints_do(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation.publisher, "status", lambda: "failing")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["checkpoints"]) == (200, "failing")

    def closed() -> str:
        raise Unavailable("the checkpoint sink witness did not take the log: it is down")

    monkeypatch.setattr(installation.publisher, "status", closed)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_ask_for_the_head_alone(client: TestClient, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
