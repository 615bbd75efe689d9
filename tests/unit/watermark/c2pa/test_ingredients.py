"""The credentials of input images are kept, and nothing in them that nobody has screened."""

import hashlib
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from c2pa import Builder, C2paSignerInfo, Context, Signer

from service.media.pictures import encode
from tests.support.certificates import Issued, authority, leaf
from tests.support.painter import landscape
from tests.support.statements import STATEMENT
from tests.unit.watermark.c2pa.test_signing import PLAIN, read, signer_of
from watermark.c2pa.ingredients import is_clean
from watermark.c2pa.manifest import InputSource
from watermark.c2pa.reader import CredentialReader
from watermark.c2pa.sdk import Stopped

CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


@pytest.fixture(scope="module")
def photograph(root: Issued) -> bytes:
    """Signed by its camera, with a preview, a place and a name in its manifest."""
    one = leaf(root)
    note = {"label": "org.example.note", "data": {"name": "Ann Example"}}
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": CAMERA}]}
    manifest = {
        "claim_generator_info": [{"name": "Camera", "version": "1"}],
        "format": "image/jpeg",
        "assertions": [{"label": "c2pa.actions.v2", "created": True, "data": actions}, note],
    }
    settings = Context.from_dict({**PLAIN, "builder": {"thumbnail": {"enabled": True}}})
    out = io.BytesIO()
    with Builder(json.dumps(manifest), settings) as builder:
        signer = Signer.from_info(C2paSignerInfo("es256", one.pem, one.key_pem, None))
        builder.sign(signer, "image/jpeg", io.BytesIO(encode(landscape(3, 256, 256), "jpeg")[0]), out)
    return out.getvalue()


def edited(root: Issued, photograph: bytes, role: Any = "image") -> tuple[bytes, dict[str, Any]]:
    """The store of an edit of a photograph, and what the bare SDK reads of the file."""
    digest = hashlib.sha256(photograph).hexdigest()
    statement = replace(STATEMENT, sources=(InputSource(role, "image/jpeg", digest),))
    data, mime = encode(landscape(1, 128, 128), "png")
    signed = signer_of(root).sign(data, mime, statement, inputs={digest: photograph})
    return signed.manifest, read(signed.data, mime, root)


@pytest.mark.parametrize(("role", "relationship"), [("image", "parentOf"), ("reference", "inputTo")])
def test_the_cameras_credential_is_kept(root: Issued, photograph: bytes, role: str, relationship: str) -> None:
    _, told = edited(root, photograph, role)
    active = told["manifests"][told["active_manifest"]]
    (ingredient,) = active["ingredients"]
    assert (told["state"], ingredient["relationship"]) == ("Trusted", relationship)
    camera = told["manifests"][ingredient["active_manifest"]]
    (actions,) = [one["data"]["actions"] for one in camera["assertions"] if one["label"] == "c2pa.actions.v2"]
    assert actions[0]["digitalSourceType"] == CAMERA


def test_what_nobody_has_screened_is_redacted(root: Issued, photograph: bytes) -> None:
    """Previews show anything at all, and notes name people: neither may leave with our image."""
    store, told = edited(root, photograph)
    assert b"Ann Example" in photograph
    assert b"Ann Example" not in store
    assert b"\xff\xd8\xff" not in store
    assert is_clean(store)
    active = told["manifests"][told["active_manifest"]]
    (actions,) = [one["data"]["actions"] for one in active["assertions"] if one["label"] == "c2pa.actions.v2"]
    redacted = [one["parameters"]["redacted"] for one in actions if one["action"] == "c2pa.redacted"]
    assert {uri.rsplit("/", 1)[-1] for uri in redacted} == {"c2pa.thumbnail.claim", "org.example.note"}


@pytest.mark.parametrize("cut", [slice(0, 3000), slice(0, -3000), slice(20, None)])
def test_a_credential_that_cannot_be_read_stops_nothing(root: Issued, photograph: bytes, cut: slice) -> None:
    store, told = edited(root, photograph[cut])
    assert told["state"] == "Trusted"
    assert is_clean(store)


def test_an_image_without_a_credential_is_named_as_before(root: Issued) -> None:
    _, told = edited(root, encode(landscape(3, 64, 64), "jpeg")[0])
    (ingredient,) = told["manifests"][told["active_manifest"]]["ingredients"]
    assert "active_manifest" not in ingredient


def test_a_credential_whose_reading_was_stopped_is_not_taken_over(root: Issued, photograph: bytes) -> None:
    """Nothing in this process touches it then."""

    def stopped(*_: object, **__: object) -> Any:
        raise Stopped("the file could not be read within 30 s")

    digest = hashlib.sha256(photograph).hexdigest()
    statement = replace(STATEMENT, sources=(InputSource("image", "image/jpeg", digest),))
    data, mime = encode(landscape(1, 128, 128), "png")
    signer = signer_of(root).taking_over(CredentialReader([], stopped))
    signed = signer.sign(data, mime, statement, inputs={digest: photograph})
    told = read(signed.data, mime, root)
    (ingredient,) = told["manifests"][told["active_manifest"]]["ingredients"]
    assert (told["state"], len(told["manifests"])) == ("Trusted", 1)
    assert "active_manifest" not in ingredient


def test_what_may_not_be_kept_is_seen(photograph: bytes, root: Issued) -> None:
    """The check of the finished store, on one that was put together without redactions."""
    one = leaf(root)
    actions = {"actions": [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["p"]}}]}
    manifest = {
        "claim_generator_info": [{"name": "X", "version": "1"}],
        "format": "image/png",
        "assertions": [{"label": "c2pa.actions.v2", "created": True, "data": actions}],
    }
    with Builder(json.dumps(manifest), Context.from_dict(PLAIN)) as builder:
        builder.add_ingredient('{"relationship": "parentOf", "label": "p"}', "image/jpeg", io.BytesIO(photograph))
        signer = Signer.from_info(C2paSignerInfo("es256", one.pem, one.key_pem, None))
        png = io.BytesIO(encode(landscape(1, 64, 64), "png")[0])
        assert not is_clean(bytes(builder.sign(signer, "image/png", png, io.BytesIO())))
