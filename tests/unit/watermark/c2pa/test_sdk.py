import json

from tests.assets import provenance
from watermark.c2pa import sdk
from watermark.c2pa.reader import configuration
from watermark.c2pa.trust import TrustList

SETTINGS = json.dumps(configuration([TrustList("lab", provenance.lab().pem)])).encode()
NOWHERE = memoryview(bytearray())


def test_answers_are_plain_json() -> None:
    for file in (provenance.camera(), provenance.camera()[:-400], provenance.jpeg(), b""):
        told, written = sdk.read(file, SETTINGS, out=NOWHERE, mime="image/jpeg")
        assert (json.loads(json.dumps(told)), written) == (told, 0)
        assert sdk.presence(file, out=NOWHERE) == (told["presence"], 0)


def test_the_sdk_is_not_asked_about_a_file_without_credential_bytes() -> None:
    """Settings that are not JSON would be found."""
    told, _ = sdk.read(provenance.jpeg()[:-400], b"not JSON", out=NOWHERE, mime="image/jpeg")
    assert told.keys() == {"presence"}
    assert sdk.crjson(provenance.jpeg(), b"not JSON", out=NOWHERE, mime="image/jpeg") == ({"crjson": None}, 0)


def test_what_is_refused_tells_what_it_claims() -> None:
    told, _ = sdk.read(provenance.camera()[:-400], SETTINGS, out=NOWHERE, mime="image/jpeg")
    claimed = told["claimed"] if "refused" in told else told["found"]
    assert claimed["store"]["manifests"]


def test_thumbnails_keep_to_their_room() -> None:
    ingredients = [(provenance.jpeg(), "parentOf")]
    file = provenance.lab().sign(
        provenance.jpeg(), "image/jpeg", [provenance.OPENED], ingredients, thumbnails=True
    )  # fmt: skip
    out = memoryview(bytearray(sdk.MAX_THUMBNAILS_BYTES))
    told, written = sdk.thumbnails(file, SETTINGS, out=out, mime="image/jpeg")
    sizes = [size for _, size in told["thumbnails"]]
    assert (len(sizes), sum(sizes)) == (2, written)
    assert bytes(out[:2]) == b"\xff\xd8"
    little = memoryview(bytearray(max(sizes)))
    told, written = sdk.thumbnails(file, SETTINGS, out=little, mime="image/jpeg")
    assert len(told["thumbnails"]) == 1
    assert written <= len(little)
    assert sdk.thumbnails(file, SETTINGS, out=NOWHERE, mime="image/jpeg") == ({"thumbnails": []}, 0)


def test_a_context_is_made_once_for_each_trust_list() -> None:
    assert sdk.contexts(SETTINGS) is sdk.contexts(bytes(bytearray(SETTINGS)))


def test_in_process_it_writes_no_more_than_it_may() -> None:
    assert sdk.in_process("presence", [b""])[1] == b""
