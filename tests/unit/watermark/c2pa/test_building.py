import io
import json

import pytest
from c2pa import Context, Reader

from service.media.pictures import encode
from tests.assets import provenance
from tests.support.painter import landscape
from tests.support.statements import STATEMENT
from watermark.c2pa.building import Added, embedded, sdk_signer
from watermark.c2pa.manifest import build
from watermark.c2pa.pki import placeholder

PLAIN = {"version": 1, "verify": {"verify_after_sign": False, "remote_manifest_fetch": False}}
CONTEXT = Context.from_dict({**PLAIN, "builder": {"thumbnail": {"enabled": False}}})


@pytest.fixture(scope="module")
def picture() -> bytes:
    return encode(landscape(1, 64, 64), "png")[0]


def manifests(file: bytes) -> list[dict[str, object]]:
    with Reader("image/png", io.BytesIO(file), context=CONTEXT) as reader:
        told = json.loads(reader.json())
    return [told["manifests"].pop(told["active_manifest"]), *told["manifests"].values()]


def test_the_store_is_in_the_file_with_the_thumbnail(picture: bytes) -> None:
    stand_in = placeholder(4096)
    signer = sdk_signer(stand_in.chain, stand_in.key)
    preview = encode(landscape(1, 32, 32), "jpeg")[0]
    file, store = embedded(CONTEXT, signer, build(STATEMENT, "image/png"), picture, "image/png", thumbnail=preview)
    assert store in file
    assert "thumbnail" in manifests(file)[0]


def test_an_image_comes_along_with_its_manifests(picture: bytes) -> None:
    stand_in = placeholder(4096)
    definition = build(STATEMENT, "image/png")
    added = [Added('{"relationship": "inputTo", "title": "a photograph"}', "image/jpeg", provenance.camera())]
    file, _ = embedded(CONTEXT, sdk_signer(stand_in.chain, stand_in.key), definition, picture, "image/png", added)
    assert len(manifests(file)) == 2


def test_what_is_given_stays_as_it_is(picture: bytes) -> None:
    stand_in = placeholder(4096)
    definition = build(STATEMENT, "image/png")
    before = json.dumps(definition)
    embedded(CONTEXT, sdk_signer(stand_in.chain, stand_in.key), definition, picture, "image/png", thumbnail=b"\xff\xd8")
    assert json.dumps(definition) == before
