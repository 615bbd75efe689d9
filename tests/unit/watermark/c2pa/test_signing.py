"""Signing: what the bare SDK reads of it, in every format, with every kind of key, with and without a time-stamp."""

import datetime as dt
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from c2pa import Context, Reader

from service.media.pictures import encode, preview
from tests.support.certificates import Issued, authority, leaf
from tests.support.painter import landscape
from tests.support.statements import STATEMENT
from tests.support.timestamping import WITHOUT_OPENSSL, authority_at
from watermark.c2pa import jumbf
from watermark.c2pa.cose import Algorithm
from watermark.c2pa.manifest import Statement
from watermark.c2pa.reader import CredentialReader
from watermark.c2pa.signers import KeySigner
from watermark.c2pa.signing import CredentialError, ManifestSigner
from watermark.c2pa.timestamps import TimestampAuthority, TimestampError

PLAIN = {"version": 1, "verify": {"verify_after_sign": False, "remote_manifest_fetch": False}}
PLAIN |= {"builder": {"thumbnail": {"enabled": False}}}


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


def signer_of(root: Issued, algorithm: Algorithm = "es256", **more: Any) -> ManifestSigner:
    one = leaf(root, algorithm)
    key = KeySigner(one.pem, one.key_pem, algorithm)
    return ManifestSigner(key, Context.from_dict(PLAIN), **({"inputs": CredentialReader([])} | more))


def read(data: bytes, mime: str, root: Issued, tsa: bytes | None = None) -> dict[str, Any]:
    """The SDK's own report, with the root trusted, and perhaps an authority's."""
    anchors = [{"trust_kind": "manifest", "trust_uri": "urn:test", "trust_anchors": root.pem.decode()}]
    if tsa:
        anchors.append({"trust_kind": "tsa", "trust_uri": "urn:tsa", "trust_anchors": tsa.decode()})
    ekus = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.8"
    context = Context.from_dict({**PLAIN, "trust": {"anchors": anchors, "trust_config": ekus}})
    with Reader(mime, io.BytesIO(data), context=context) as reader:
        told: dict[str, Any] = json.loads(reader.json())
        told["state"] = reader.get_validation_state()
        return told


def codes(told: dict[str, Any], kind: str) -> set[str]:
    return {entry["code"] for entry in told["validation_results"]["activeManifest"].get(kind) or []}


@pytest.mark.parametrize("to", ["png", "jpeg", "webp", "avif", "tiff"])
def test_every_format_is_trusted_by_the_bare_sdk(root: Issued, to: Any) -> None:
    data, mime = encode(landscape(1, 128, 128), to)
    signed = signer_of(root).sign(data, mime, STATEMENT)
    told = read(signed.data, mime, root)
    assert (told["state"], codes(told, "failure")) == ("Trusted", set())
    assert signed.timestamp == "none"


@pytest.mark.parametrize("to", ["png", "jpeg", "webp", "avif", "tiff"])
def test_a_thumbnail_is_in_the_credential_where_one_is_given(root: Issued, to: Any) -> None:
    image = landscape(1, 128, 128)
    data, mime = encode(image, to)
    small = preview(image, 32)
    told = read(signer_of(root).sign(data, mime, STATEMENT, thumbnail=small).data, mime, root)
    (active,) = told["manifests"].values()
    assert (told["state"], active["thumbnail"]["format"]) == ("Trusted", "image/jpeg")
    (without,) = read(signer_of(root).sign(data, mime, STATEMENT).data, mime, root)["manifests"].values()
    assert "thumbnail" not in without


@pytest.mark.parametrize("algorithm", ["es256", "es384", "ps256", "ed25519"])
def test_every_algorithm_is_trusted_by_the_bare_sdk(root: Issued, algorithm: Algorithm) -> None:
    data, mime = encode(landscape(1, 128, 128), "png")
    told = read(signer_of(root, algorithm).sign(data, mime, STATEMENT).data, mime, root)
    assert told["state"] == "Trusted"
    (active,) = told["manifests"].values()
    assert active["signature_info"]["alg"].lower() == algorithm


def test_the_soft_binding_keeps_to_the_schema(root: Issued) -> None:
    """CDDL of C2PA 2.4, 18.10.2: `value` and `pad` are byte strings."""
    data, mime = encode(landscape(1, 128, 128), "png")
    store = signer_of(root).sign(data, mime, STATEMENT).manifest
    manifest = jumbf.active_manifest(store)
    assertions = jumbf.child(store, manifest, "c2pa.assertions")
    box = jumbf.content(store, jumbf.child(store, assertions, "c2pa.soft-binding"))
    value = STATEMENT.mark_id.to_bytes(6, "big")
    assert cbor2.loads(store[box.body : box.end]) == {
        "alg": STATEMENT.mark_algorithm,
        "blocks": [{"scope": {}, "value": value}],
        "pad": b"",
    }


@pytest.mark.parametrize("to", ["png", "jpeg", "webp", "avif", "tiff"])
def test_a_store_of_several_segments(root: Issued, to: Any) -> None:
    """JPEG segments hold at most 64 kB each."""
    long: Statement = replace(STATEMENT, consents=tuple(f"{n:064x}" for n in range(2000)))
    data, mime = encode(landscape(1, 128, 128), to)
    signed = signer_of(root).sign(data, mime, long)
    assert len(signed.manifest) > 150_000
    assert read(signed.data, mime, root)["state"] == "Trusted"


def test_no_room_is_wasted(root: Issued) -> None:
    data, mime = encode(landscape(1, 128, 128), "png")
    assert len(signer_of(root).sign(data, mime, STATEMENT).manifest) < 4096


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, bytes]]:
    if WITHOUT_OPENSSL:
        pytest.skip(WITHOUT_OPENSSL)
    with authority_at(tmp_path_factory.mktemp("tsa")) as running:
        yield running


@pytest.mark.parametrize("to", ["png", "jpeg", "webp", "avif", "tiff"])
def test_a_time_stamp_is_trusted_by_the_bare_sdk(root: Issued, tsa: tuple[str, bytes], to: Any) -> None:
    url, tsa_root = tsa
    data, mime = encode(landscape(1, 128, 128), to)
    signed = signer_of(root, stamper=TimestampAuthority(url, 10)).sign(data, mime, STATEMENT)
    assert (signed.timestamp, signed.without_timestamp) == ("stamped", None)
    told = read(signed.data, mime, root, tsa_root)
    assert told["state"] == "Trusted"
    assert {"timeStamp.validated", "timeStamp.trusted"} <= codes(told, "success")
    (active,) = told["manifests"].values()
    stamped = dt.datetime.fromisoformat(active["signature_info"]["time"])
    assert abs(dt.datetime.now(dt.UTC) - stamped) < dt.timedelta(minutes=5)


class Down:
    def stamp(self, data: bytes) -> bytes:
        raise TimestampError("the time-stamp authority did not answer")


class Verbose:
    def stamp(self, data: bytes) -> bytes:
        return bytes(9000)


@pytest.mark.parametrize(("stamper", "says"), [(Down(), "did not answer"), (Verbose(), "9000 bytes")])
def test_an_authority_that_is_down_stops_nothing_unless_it_must(root: Issued, stamper: Any, says: str) -> None:
    data, mime = encode(landscape(1, 128, 128), "png")
    signed = signer_of(root, stamper=stamper).sign(data, mime, STATEMENT)
    assert signed.timestamp == "untimestamped"
    assert says in (signed.without_timestamp or "")
    assert read(signed.data, mime, root)["state"] == "Trusted"
    with pytest.raises(CredentialError, match=says):
        signer_of(root, stamper=stamper, require_timestamp=True).sign(data, mime, STATEMENT)


def test_an_expired_certificate_signs_no_more(root: Issued) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=301)
    signer = signer_of(root, now=lambda: later)
    data, mime = encode(landscape(1, 128, 128), "png")
    with pytest.raises(CredentialError, match="expired on"):
        signer.sign(data, mime, STATEMENT)


def test_threads_share_one_signer(root: Issued) -> None:
    from concurrent.futures import ThreadPoolExecutor

    signer = signer_of(root)
    data, mime = encode(landscape(1, 128, 128), "png")
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda n: signer.sign(data, mime, replace(STATEMENT, mark_id=n)).data, range(16)))
    assert all(read(one, mime, root)["state"] == "Trusted" for one in files)
