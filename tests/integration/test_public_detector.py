"""The examiner as the free public detector that SB 942 asks for: no key, system provenance only, nothing kept."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service import web
from service.access.tenants import Terms
from service.api.app import create_app
from service.gateway.pipeline import Gateway
from service.installation import Installation
from tests.assets import provenance
from tests.assets.declared import iim, packet, png, resource, saved, text
from tests.support.gateway import ORDER

PRIVATE = "Jane Roe"
SERIAL = "SN-4711-0815"


def private_files() -> dict[str, bytes]:
    """A photograph and a generated image that say who, where and with which very device."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS R5"
    exif[0x013B], exif[0x8298], exif[0x010E] = PRIVATE, PRIVATE, f"{PRIVATE} at home"
    inner = exif.get_ifd(0x8769)
    inner[0xA430], inner[0xA431], inner[0x9286] = PRIVATE, SERIAL, b"ASCII\0\0\0" + PRIVATE.encode()
    exif.get_ifd(0x8825)[1] = "N"
    about = packet(
        f"<dc:creator><rdf:Seq><rdf:li>{PRIVATE}</rdf:li></rdf:Seq></dc:creator>"
        f"<Iptc4xmpExt:AIPromptWriterName>{PRIVATE}</Iptc4xmpExt:AIPromptWriterName>"
        f"<Iptc4xmpExt:AIPromptInformation>{PRIVATE} in her garden</Iptc4xmpExt:AIPromptInformation>"
    )
    photograph = saved("JPEG", exif=exif, xmp=about)
    settings = f"{PRIVATE} in her garden\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
    label = json.dumps({"Label": "1", "ContentProducer": "Painter Ltd", "PropagateID": PRIVATE})
    generated = png(text("parameters", settings), text("Author", PRIVATE), text("AIGC", label))
    by_line = resource(0x0404, iim(caption=PRIVATE, credit="Made with Google AI"))
    return {"a.jpg": photograph, "b.png": generated, "c.tif": saved("TIFF", tiffinfo={0x8649: by_line})}


@pytest.fixture
def client(painted_installation: Installation) -> TestClient:
    return TestClient(create_app(painted_installation))


def kept(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_anyone_may_ask_and_learns_about_systems_not_people(client: TestClient, installation: Installation) -> None:
    before = installation.ledger.verify()
    declared = {}
    for name, data in private_files().items():
        answer = client.post("/v1/inspect", files={"file": ("x", data)})
        assert answer.status_code == 200
        assert PRIVATE not in answer.text
        assert SERIAL not in answer.text
        declared[name] = {each["value"] for each in answer.json()["claimed"]["declarations"]}
    assert "Canon EOS R5" in declared["a.jpg"]
    assert "label: 1, contentproducer: Painter Ltd" in declared["b.png"]
    assert declared["c.tif"] == {"Made with Google AI"}
    after = installation.ledger.verify()
    assert (after.decisions, after.images) == (before.decisions, before.images)
    for stored in kept(installation.settings.home).values():
        assert PRIVATE.encode() not in stored


def test_it_recognises_the_providers_own_images_with_the_system_that_made_them(
    client: TestClient, gateway: Gateway
) -> None:
    data = gateway.release(ORDER.model_copy(update={"visible_label": True})).data
    report = client.post("/v1/inspect", files={"file": ("x", data)}).json()
    assert report["verdict"] == "issued_here"
    disclosure = report["claimed"]["disclosures"]["org.countermark.disclosure"]
    assert {"provider", "system", "system_version", "created_at", "content_id"} <= disclosure.keys()
    assert ORDER.prompt not in json.dumps(report)


def test_an_order_over_http_can_ask_for_the_visible_label(client: TestClient) -> None:
    body = {"prompt": "a lake", "seed": 7, "visible_label": True, "size": "256x256"}
    answer = client.post("/v1/images/generations", json=body)
    assert answer.status_code == 200
    plain = client.post("/v1/images/generations", json={**body, "visible_label": False})
    assert answer.json()["data"][0]["b64_json"] != plain.json()["data"][0]["b64_json"]


class TestTheOpenTier:
    """`COUNTERMARK_PUBLIC_VERIFICATION`: anybody may examine, at a rate, and learns nothing about people."""

    @pytest.fixture
    def client(self, painted_installation: Installation) -> TestClient:
        vars(painted_installation.settings).update(public_verification=True, public_examinations=3)
        return TestClient(web.create_app(painted_installation), raise_server_exceptions=False)

    def test_everything_that_makes_images_needs_a_key_before_there_is_a_tenant(self, client: TestClient) -> None:
        paths = client.get("/openapi.json").json()["paths"]
        gated = [path for path in paths if path.startswith(("/v1/images/", "/v1/models", "/v1/moderations"))]
        codes = {client.request(method, path).status_code for path in gated for method in paths[path]}
        assert (len(gated) > 5, codes) == (True, {401})
        assert client.post("/generate", files={"prompt": (None, "a lake")}).status_code == 401

    @pytest.mark.parametrize("path", ["/v1/inspect", "/v1/detect", "/v1/matches/byContent"])
    def test_an_address_has_its_rate_and_a_key_has_its_own(
        self, client: TestClient, installation: Installation, path: str
    ) -> None:
        assert [client.post(path, content=b"x").status_code for _ in range(4)] == [415] * 3 + [429]
        refused = client.post(path, content=b"x")
        assert refused.json()["code"] == "too_many_examinations"
        assert 1 <= int(refused.headers["retry-after"]) <= 1200
        other = TestClient(client.app, client=("192.0.2.9", 1), raise_server_exceptions=False)
        assert other.post(path, content=b"x").status_code == 415
        key = installation.tenants.add(Terms(name="acme")).key
        assert client.post(path, content=b"x", headers={"Authorization": f"Bearer {key}"}).status_code == 415
        assert other.post(path, content=b"x", headers={"Authorization": "Bearer cm_wrong"}).status_code == 401

    def test_look_ups_share_the_rate(self, client: TestClient) -> None:
        binding = {"alg": "org.countermark.pdq.1", "value": "A" * 43 + "="}
        asked = [client.get("/v1/matches/byBinding", params=binding), client.get("/v1/manifests/urn:c2pa:x")]
        assert [each.status_code for each in asked] == [200, 404]
        assert client.post("/v1/matches/byBinding", json=binding).status_code == 200
        assert client.post("/v1/inspect", content=b"x").status_code == 429

    def test_every_file_of_a_form_counts(self, client: TestClient) -> None:
        files = [("file", (f"{n}.txt", b"x")) for n in range(4)]
        assert client.post("/v1/detect", files=files).status_code == 400
        assert client.post("/v1/detect", files=files[:2]).status_code == 200
        assert client.post("/v1/detect", files=files[:1]).status_code == 429

    def test_whose_image_was_edited_is_for_keys(self, client: TestClient, installation: Installation) -> None:
        """The file carries a credential of somebody whom nobody vouches for."""
        data = provenance.broken()
        key = installation.tenants.add(Terms(name="acme")).key
        full = client.post("/v1/inspect", content=data, headers={"Authorization": f"Bearer {key}"}).json()["claimed"]
        public = client.post("/v1/inspect", content=data).json()["claimed"]
        assert (full["signer"] is not None, public["signer"]) == (True, None)
        assert public["integrity"] == full["integrity"]
        page = client.post("/", files={"file": ("x.jpg", data)})
        assert page.status_code == 200
        assert full["signer"] not in page.text

    def test_notices_and_receipts_stay_open(self, client: TestClient) -> None:
        assert client.post("/v1/takedowns", json={}).status_code == 400
        assert client.get("/v1/consent/keys").status_code == 200
