"""The audit log over HTTP: outsiders need no key, and see nothing that is somebody's."""

import base64

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.installation import Installation
from service.ledger.checkpoints import Checkpoint
from service.ledger.merkle import leaf_hash
from service.ledger.notes import VerifierKey
from service.ledger.proofs import InclusionProof, check_consistency
from tests.support.issued import fill


@pytest.fixture
def filled(installation: Installation) -> Installation:
    fill(installation.ledger)
    return installation


def test_a_checkpoint_is_a_note_that_may_be_cached(client: TestClient, filled: Installation) -> None:
    response = client.get("/v1/audit/checkpoint")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=5"
    key = VerifierKey.parse(client.get("/v1/audit/key").text)
    assert key == filled.log.verifier
    assert Checkpoint.verified(response.text, key).head.root.hex() == filled.ledger.verify().root
    assert client.get("/v1/audit/checkpoint").headers["etag"] == response.headers["etag"]


def test_an_outsider_follows_the_log(client: TestClient, filled: Installation) -> None:
    old = Checkpoint.parse(client.get("/v1/audit/checkpoint").text)
    filled.ledger.refuse("urn:uuid:5", {"code": "x"})
    new = Checkpoint.parse(client.get("/v1/audit/checkpoint").text)
    response = client.get("/v1/audit/consistency", params={"from": old.size, "to": new.size})
    check_consistency(old, new, [base64.b64decode(each) for each in response.json()["hashes"]])
    assert (response.json()["from"], response.json()["to"]) == (4, 5)
    assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize("query", [{}, {"from": 1}, {"from": 3, "to": 2}, {"from": 1, "to": 99}, {"from": -1, "to": 2}])
def test_a_consistency_that_cannot_be_proved_is_a_bad_request(
    client: TestClient, filled: Installation, query: dict[str, int]
) -> None:
    response = client.get("/v1/audit/consistency", params=query)
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


def test_anybody_gets_a_proof_that_tells_nothing(client: TestClient, filled: Installation) -> None:
    (decision,) = filled.ledger.decided("urn:uuid:2")
    answer = client.get(f"/v1/audit/proof/{decision.hash}").json()
    assert (answer["decision"], answer["index"]) == (decision.hash, 1)
    proof = InclusionProof.parse(answer["proof"])
    proof.verify(filled.log.verifier, bytes.fromhex(answer["leaf_hash"]))
    assert proof.entry is None


def test_a_tenant_sees_its_own_decision_and_no_other(client: TestClient, installation: Installation) -> None:
    mine, other = (installation.tenants.add(Terms(name=name)).key for name in ("acme", "bolt"))
    decision = installation.ledger.refuse("urn:uuid:1", {"code": "unsafe", "tenant": "acme"})
    path = f"/v1/audit/proof/{decision.hash}"
    seen = {}
    for key in (mine, other):
        answer = client.get(path, headers={"Authorization": f"Bearer {key}"}).json()
        seen[key] = InclusionProof.parse(answer["proof"]).decision()
    assert seen[other] is None
    assert (seen[mine] or {})["body"] == {"code": "unsafe", "tenant": "acme"}
    assert client.get(path, headers={"Authorization": "Bearer cm_wrong"}).status_code == 401


@pytest.mark.parametrize(("name", "status"), [("f" * 64, 404), ("1", 400), ("urn:uuid:1", 400), ("F" * 64, 400)])
def test_only_who_knows_its_hash_gets_a_proof(client: TestClient, filled: Installation, name: str, status: int) -> None:
    assert client.get(f"/v1/audit/proof/{name}").status_code == status


def test_whoever_ordered_an_image_and_whoever_finds_it_get_its_proof(
    painting_client: TestClient, installation: Installation
) -> None:
    answer = painting_client.post("/v1/images/generations", json={"prompt": "a lake at dawn", "seed": 7}).json()
    (released,) = answer["countermark"]["images"]
    own = InclusionProof.parse(released["proof"])
    own.verify(installation.log.verifier)
    assert (own.decision() or {})["subject"] == released["content_id"]
    file = base64.b64decode(answer["data"][0]["b64_json"])
    (match,) = painting_client.post("/v1/inspect", files={"file": file}).json()["matched"]
    found = InclusionProof.parse(match["proof"])
    assert (found.index, found.entry) == (own.index, None)
    found.verify(installation.log.verifier, leaf_hash(own.entry or b""))
