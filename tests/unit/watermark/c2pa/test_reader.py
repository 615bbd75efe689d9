import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.assets import provenance
from tests.assets.hostile import picture, save
from tests.support import timestamping
from tests.support.statements import STATEMENT
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.reader import CredentialReader
from watermark.c2pa.signers import KeySigner
from watermark.c2pa.status import SignerStatus
from watermark.c2pa.timestamps import TimestampAuthority
from watermark.c2pa.trust import TSA_EKUS, Kind, TrustList, TrustListError

LAB = TrustList("lab", provenance.lab().pem)


@pytest.fixture(scope="module")
def reader() -> CredentialReader:
    return CredentialReader([LAB])


def test_a_sidecar_is_read_against_the_file(reader: CredentialReader) -> None:
    beside = provenance.lab().sidecar(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    assert reader.read(provenance.jpeg(), "image/jpeg", beside).state == "trusted"
    other = reader.read(provenance.jpeg((90, 60)), "image/jpeg", beside)
    assert (other.integrity, other.only_bytes_differ) == ("altered", True)


def test_errors_of_the_library_become_words(reader: CredentialReader) -> None:
    """Its bare `Other` says nothing; the code says what is damaged, and the explanation keeps its words."""
    signed = provenance.lab().sign(save(picture(), "PNG"), "image/png", provenance.CAMERA)
    read = reader.read(signed[:-1], "image/png")
    assert (read.integrity, read.actions[0].action) == ("unreadable", "c2pa.created")
    assert read.remarks[0].code == "container.unreadable"
    assert read.remarks[0].explanation == "asset could not be parsed: PNG out of range"
    junk = reader.read(provenance.jpeg(), "image/jpeg", b"junk")
    assert junk.failures == ("manifest.unreadable",)


def test_labels_of_the_assertions_in_each_manifest(reader: CredentialReader) -> None:
    found = reader.labels(provenance.edited([provenance.OPENED], (provenance.camera(), "parentOf")), "image/jpeg")
    assert found is not None
    assert len(found) == 2
    assert all({"c2pa.actions.v2", "c2pa.hash.data"} <= set(labels) for labels in found.values())
    assert reader.labels(provenance.jpeg(), "image/jpeg") is None


def test_crjson(reader: CredentialReader) -> None:
    exported = reader.crjson(provenance.camera(), "image/jpeg")
    assert exported is not None
    assert json.loads(exported)["manifests"][0]["validationResults"]["failure"] == []
    assert reader.crjson(provenance.jpeg(), "image/jpeg") is None


def test_thumbnails_by_their_places(reader: CredentialReader) -> None:
    ingredients = [(provenance.jpeg(), "parentOf")]
    signed = provenance.lab().sign(
        provenance.jpeg(), "image/jpeg", [provenance.OPENED], ingredients, thumbnails=True
    )  # fmt: skip
    read = reader.read(signed, "image/jpeg")
    found = reader.thumbnails(signed, "image/jpeg")
    assert read.thumbnail in found
    assert read.ingredients[0].thumbnail in found
    assert reader.thumbnails(provenance.jpeg(), "image/jpeg") == {}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"presence": ["no"], "found": 7, "crjson": 7, "thumbnails": [[1]]},
        {"presence": {"mime": 1}, "thumbnails": 3},
        {
            "presence": {"mime": None, "remote_url": None, "embedded": 1, "complete": 1, "opaque": 0},
            "found": {"store": 3},
        },
    ],
)
def test_what_is_not_an_answer_is_unreadable(reader: CredentialReader, told: dict[str, Any]) -> None:
    """A process that a file has taken over may say anything."""
    fooled = reader.asking(lambda *_, **__: (told, b""))
    read = fooled.read(provenance.camera(), "image/jpeg")
    assert (read.integrity, read.bound) == ("unreadable", False)
    assert fooled.presence(provenance.camera()).embedded
    assert (fooled.crjson(b"", ""), fooled.thumbnails(b"", "")) == (None, {})
    assert fooled.labels(b"", "") is None


def test_a_frozen_list_is_said() -> None:
    frozen = CredentialReader([TrustList("interim", provenance.lab().pem, frozen=True)])
    read = frozen.read(provenance.camera(), "image/jpeg")
    assert (read.trust_list, read.trust_list_frozen) == ("interim", True)


@pytest.mark.parametrize("kind", ["tsa", "cawg"])
def test_lists_of_other_kinds_vouch_for_no_signer(kind: Kind) -> None:
    other = CredentialReader([TrustList("other", provenance.lab().pem, kind)])
    read = other.read(provenance.camera(), "image/jpeg")
    assert (read.state, read.trust_list) == ("valid_untrusted", None)


def test_an_untrusted_signer_over_a_trusted_parent_is_untrusted(reader: CredentialReader) -> None:
    edited = provenance.edited([provenance.OPENED], (provenance.camera(), "parentOf"), by=provenance.stranger())
    read = reader.read(edited, "image/jpeg")
    assert (read.signer_status, read.trust_list) == (SignerStatus.UNKNOWN, None)
    assert read.ingredients[0].signer_status is SignerStatus.TRUSTED


def test_a_list_that_cannot_be_used_is_an_error() -> None:
    with pytest.raises(TrustListError, match="cannot be used"):
        CredentialReader([TrustList("junk", b"-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")])


@pytest.mark.skipif(timestamping.WITHOUT_OPENSSL is not None, reason=str(timestamping.WITHOUT_OPENSSL))
def test_an_expired_certificate_that_signed_in_time_is_trusted(tmp_path: Path) -> None:
    """By a time-stamp that a list vouches for; without that list nothing says when it signed."""
    short = provenance.lab().another(seconds=4)
    pem = serialization.Encoding.PEM
    key = short.leaf[0].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = b"".join(each.public_bytes(pem) for each in (short.leaf[1], short.root[1]))
    with timestamping.authority_at(tmp_path) as (url, root):
        stamped = Credentials.of(
            KeySigner(chain, key, "es256"), [LAB], TimestampAuthority(url, 10), require_timestamp=True
        )
        file = stamped.sign(provenance.jpeg(), "image/jpeg", STATEMENT).data
    while dt.datetime.now(dt.UTC) <= short.leaf[1].not_valid_after_utc + dt.timedelta(seconds=1):
        time.sleep(0.1)
    vouched = CredentialReader([LAB, TrustList("tsa", root, "tsa", TSA_EKUS)]).read(file, "image/jpeg")
    assert (vouched.state, vouched.trust_list, vouched.signed_at is None) == ("trusted", "lab", False)
    alone = CredentialReader([LAB]).read(file, "image/jpeg")
    assert (alone.integrity, alone.signer_status, alone.signed_at) == ("intact", SignerStatus.EXPIRED, None)
    assert alone.claimed_at is not None
    assert "timeStamp.untrusted" in [remark.code for remark in alone.remarks]
