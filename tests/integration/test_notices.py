"""Blocklists, notices and appeals through the doors: HTTP and the command line."""

import json
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from detectors import fingerprint
from service.api import create_app
from service.cli import generate
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.media.pictures import encode
from service.moderation.blocklist import SAME_PICTURE_BITS
from tests.support.commands import Run, runner
from tests.support.database import engine_of
from tests.support.painter import landscape

RGB = landscape(3, 320, 256)
PDQ = fingerprint(RGB).bits.hex()
NOTICE = {
    "signature": "Jane Roe",
    "statement": "Published by my former partner.",
    "good_faith": True,
    "contact": "jane@example.org",
    "url": "https://pictures.example/jane",
}
PERSONAL = ("Jane", "jane", "partner", "pictures.example")
ORDERS = "/v1/images/generations"


@pytest.fixture
def client(painted_installation: Installation) -> TestClient:
    return TestClient(create_app(painted_installation), raise_server_exceptions=False)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], painted_installation: Installation) -> Run:
    """Run a command in this process over the painted house; gives (exit code, standard output, standard error)."""
    monkeypatch.setattr(generate, "open_installation", lambda settings: painted_installation)
    return runner(monkeypatch, capsys, columns=250)


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, str]:
    assert response.status_code == status, response.text
    body: dict[str, str] = response.json()
    assert body["code"] == code
    assert not any(word in response.text for word in PERSONAL)
    return body


class TestHttp:
    def test_a_notice_with_a_picture_blocks_it(
        self, client: TestClient, installation: Installation, capfd: pytest.CaptureFixture[str]
    ) -> None:
        form = {"notice": json.dumps(NOTICE)}
        answer = client.post("/v1/takedowns", data=form, files={"file": ("jane.png", encode(RGB, "png")[0])})
        assert answer.status_code == 201, answer.text
        receipt = answer.json()
        assert receipt["blocked"]
        assert installation.blocklist.match(RGB) is not None
        status = client.get(f"/v1/takedowns/{receipt['case']}", headers={"x-case-pin": receipt["pin"]}).json()
        assert (status["status"], status["due_at"]) == ("received", receipt["due_at"])
        assert not any(word in str(status) for word in PERSONAL)
        wrong = client.get(f"/v1/takedowns/{receipt['case']}", headers={"x-case-pin": "no"})
        problem(wrong, 404, "not_found")
        problem(client.get(f"/v1/takedowns/{receipt['case']}"), 400, "bad_request")
        out = capfd.readouterr()
        assert not any(word in out.out + out.err for word in (*PERSONAL, receipt["pin"]))

    @pytest.mark.parametrize("missing", ["signature", "statement", "good_faith", "contact"])
    def test_what_the_law_asks_for_is_needed(
        self, client: TestClient, installation: Installation, missing: str
    ) -> None:
        fields = {name: value for name, value in NOTICE.items() if name != missing}
        body = problem(client.post("/v1/takedowns", json=fields), 400, "bad_request")
        assert missing in body["detail"]
        assert installation.ledger.verify().decisions == 0

    def test_what_is_no_notice(self, client: TestClient) -> None:
        problem(client.post("/v1/takedowns", content=b"{"), 400, "bad_request")
        problem(client.post("/v1/takedowns", json={**NOTICE, "url": None}), 400, "bad_request")
        problem(client.post("/v1/takedowns", json={**NOTICE, "Jane": 1}), 400, "bad_request")
        problem(client.post("/v1/takedowns", files={"file": b"x"}), 400, "bad_request")
        problem(client.post("/v1/takedowns", data={"notice": json.dumps(NOTICE), "file": "x"}), 400, "bad_request")
        form = {"notice": json.dumps(NOTICE)}
        problem(client.post("/v1/takedowns", data=form, files={"file": b"no picture"}), 415, "unsupported_format")

    def test_a_blocked_order_can_be_appealed(
        self, client: TestClient, gateway: Gateway, installation: Installation
    ) -> None:
        released = gateway.release(Order(prompt="x", seed=5))
        client.post("/v1/takedowns", json={**NOTICE, "content_id": released.admitted.content_id})
        body = problem(client.post(ORDERS, json={"prompt": "x", "seed": 5}), 451, "blocked")
        assert str(body["detail"]).startswith("the image is in quarantine until ")
        assert "data" not in body
        appeal = {"about": "refusal", "subject": body["appeal"], "statement": "It is a lake."}
        filed = client.post("/v1/appeals", json=appeal)
        assert filed.status_code == 201
        installation.appeals.resolve(filed.json()["id"], "overturned", "op", "A lake indeed.")
        status = client.get(f"/v1/appeals/{filed.json()['id']}").json()
        assert (status["status"], status["reason"]) == ("overturned", "A lake indeed.")
        two = client.post(ORDERS, json={"prompt": "x", "seed": 4, "n": 2}).json()
        (refused,) = two["countermark"]["refusals"]
        assert refused["code"] == "blocked"
        assert installation.ledger.decided(refused["appeal"])

    def test_what_cannot_be_appealed(self, client: TestClient) -> None:
        appeal = {"about": "refusal", "subject": "urn:uuid:none", "statement": "No."}
        problem(client.post("/v1/appeals", json=appeal), 404, "not_found")
        problem(client.post("/v1/appeals", json={**appeal, "about": "weather"}), 400, "bad_request")
        problem(client.get("/v1/appeals/A-NONE"), 404, "not_found")

    def test_openapi_names_the_notice(self, client: TestClient) -> None:
        document = client.get("/openapi.json").json()
        body = document["paths"]["/v1/takedowns"]["post"]["requestBody"]["content"]
        assert body["application/json"]["schema"] == {"$ref": "#/components/schemas/Notice"}
        assert set(document["components"]["schemas"]["Notice"]["required"]) == {
            "signature", "statement", "good_faith", "contact"
        }  # fmt: skip
        assert "451" in document["paths"][ORDERS]["post"]["responses"]


class TestCommands:
    def test_a_list_from_import_to_removal(self, run: Run, tmp_path: Path) -> None:
        listed, broken, photo = tmp_path / "list.csv", tmp_path / "broken.csv", tmp_path / "a.png"
        listed.write_text(f"hash,type,tags\n{PDQ},pdq,ncii\n")
        broken.write_text(f"hash,type\n{PDQ},pdq\nzzz,pdq\n")
        photo.write_bytes(encode(RGB[:, ::-1], "jpeg")[0])
        assert run("blocklist", "check", photo)[0] == 0
        code, _, err = run("blocklist", "import", "ncii", broken)
        assert (code, "line 3" in err, "broken_list" in err) == (5, True, True)
        assert run("blocklist", "list", "--json")[1] == ""
        code, out, _ = run("blocklist", "import", "ncii", listed, "--json")
        assert json.loads(out) == {"added": 1, "known": 0, "left_out": {}}
        code, out, _ = run("blocklist", "check", "--json", photo)
        assert code == 6
        match = json.loads(out)["match"]
        assert (match["list"], match["kind"]) == ("ncii", "pdq")
        assert match["distance"] <= SAME_PICTURE_BITS
        assert PDQ not in out
        assert run("blocklist", "export", "ncii")[1] == listed.read_text()
        assert json.loads(run("blocklist", "export", "ncii", "--json")[1])["data"][0]["type"] == "HASH_PDQ"
        assert "ncii" in run("blocklist", "list")[1]
        assert run("blocklist", "remove", "ncii")[0] == 2
        assert json.loads(run("blocklist", "remove", "ncii", PDQ, "--json")[1]) == {"withdrawn": 1}
        assert run("blocklist", "check", photo)[0] == 0
        assert run("blocklist", "remove", "ncii", "--all")[0] == 1

    def test_words_that_are_wrong(self, run: Run, tmp_path: Path) -> None:
        assert run("blocklist", "add", "ncii", PDQ, "--type", "md5")[0] == 2
        assert run("blocklist", "add", "ncii", "abc", "--type", "pdq")[0] == 5
        assert run("blocklist", "add", "takedowns", PDQ, "--type", "pdq")[0] == 2
        assert run("blocklist", "export", "ncii", "--format", "xml")[0] == 2
        assert run("blocklist", "import", "ncii", tmp_path / "none")[0] == 5
        assert run("blocklist", "check", tmp_path / "none")[0] == 5
        assert run("takedowns", "resolve", "T-NONE", "--operator", "op")[0] == 2
        assert run("takedowns", "resolve", "T-NONE", "--operator", "op", "--removed")[0] == 1
        assert run("takedowns", "show", "T-NONE")[0] == 1
        assert run("appeals", "resolve", "A-NONE", "--operator", "op", "--reason", "x")[0] == 2

    def test_generate_names_what_can_be_appealed(
        self, run: Run, gateway: Gateway, installation: Installation, tmp_path: Path
    ) -> None:
        drawn = gateway.release(Order(prompt="x", seed=5)).proven.signed.marked.cleared.draft.rgb
        assert run("blocklist", "add", "ncii", fingerprint(drawn).bits.hex(), "--type", "pdq")[0] == 0
        code, out, err = run("generate", "x", "--seed", 5, "--out", tmp_path / "x.png")
        assert (code, out) == (6, "")
        assert "(blocked)" in err
        assert "To appeal, use the id urn:uuid:" in err
        assert not (tmp_path / "x.png").exists()

    def test_a_notice_is_worked_off(self, run: Run, client: TestClient, installation: Installation) -> None:
        receipt = client.post("/v1/takedowns", json=NOTICE).json()
        with engine_of(installation.ledger).begin() as connection:
            connection.exec_driver_sql("UPDATE takedowns SET due_at='2020-01-01T00:00:00+00:00'")
        (line,) = run("takedowns", "list", "--json")[1].splitlines()
        assert json.loads(line)["overdue"]
        assert not any(word in line for word in PERSONAL)
        assert "OVERDUE" in run("takedowns", "list")[1]
        case = receipt["case"]
        assert "jane@example.org" in run("takedowns", "show", case)[1]
        assert json.loads(run("takedowns", "show", case, "--json")[1])["signature"] == "Jane Roe"
        words = ("takedowns", "resolve", case, "--operator", "op", "--rejected")
        assert run(*words)[0] == 2  # no reason
        assert run(*words, "--reason", "Not an intimate picture.")[0] == 0
        appeal = {"about": "takedown", "subject": case, "statement": "It is."}
        number = client.post("/v1/appeals", json=appeal).json()["id"]
        assert number in run("appeals", "list")[1]
        resolve = ("appeals", "resolve", number, "--operator", "op", "--reason", "True.", "--overturned", "--json")
        assert json.loads(run(*resolve)[1]) == {"appeal": number, "status": "overturned"}
        assert json.loads(run("appeals", "list", "--all", "--json")[1])["status"] == "overturned"
        assert run("takedowns", "list", "--json")[1] == ""
        assert run("takedowns", "forget", case)[0] == 0
        assert json.loads(run("takedowns", "list", "--all", "--json")[1])["readable"] is False
        assert run("audit", "verify")[0] == 0


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "undefined", "idna", "x"])
def test_a_charset_that_costs_or_gives_no_text_is_refused(client: TestClient, charset: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="notice"\r\n\r\n+2AA-\r\n--b--\r\n'
    kind = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
    for path in ("/v1/takedowns", "/v1/detect"):
        answer = client.post(path, content=body, headers=kind)
        assert answer.status_code == 400, path
        assert "charset" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json", "text/plain"])
def test_json_of_a_megabyte_is_refused_before_it_is_read(client: TestClient, kind: str) -> None:
    body = b"{" + b'"f":0,' * 200_000 + b'"f":0}'
    for path in ("/v1/takedowns", "/v1/appeals", "/v1/images/generations"):
        answer = client.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 413), path
    assert client.post("/v1/takedowns", content=body, headers={"content-type": kind}).status_code == 413


def test_no_cache_keeps_an_answer(client: TestClient) -> None:
    assert client.get("/healthz").headers["cache-control"] == "no-store"
    assert client.get("/v1/takedowns/T-1", headers={"X-Case-Pin": "1"}).headers["cache-control"] == "no-store"
