"""The examiner as the free public detector that SB 942 asks for: no key, system provenance only, nothing kept."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.api.app import create_app
from service.gateway.pipeline import Gateway
from service.installation import Installation
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
