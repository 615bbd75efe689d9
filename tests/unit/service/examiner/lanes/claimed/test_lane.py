from dataclasses import replace

import pytest

from service.examiner.lanes.claimed.lane import finding
from service.examiner.policy import Signal
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from tests.assets import provenance
from tests.support.credentials import read
from tests.support.evidence import Evidence, shown
from watermark.c2pa.credentials import Action, Credential, Credentials, Ingredient, TrustList
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.status import Integrity, SignerStatus

AI = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "trainedAlgorithmicMedia"),)
COMPOSITE = (Action("c2pa.edited", DIGITAL_SOURCE_TYPE + "compositeSynthetic"),)
CAMERA = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "digitalCapture"),)


@pytest.mark.parametrize(
    ("credential", "signals", "reason", "says"),
    [
        (read("absent"), set(), "credential_absent", []),
        (read("remote_only"), set(), "credential_elsewhere", []),
        (read("invalid", actions=AI), {Signal.BROKEN_CREDENTIAL}, "credential_invalid", []),
        (read("invalid", actions=CAMERA), {Signal.BROKEN_CREDENTIAL}, "credential_invalid", []),
        (read("trusted"), {Signal.TRUSTED_SIGNER}, "credential_trusted", []),
        (read("valid_untrusted"), {Signal.UNKNOWN_SIGNER}, "credential_untrusted_signer", []),
        (
            read("trusted", actions=AI),
            {Signal.TRUSTED_SIGNER, Signal.SIGNED_SYNTHETIC, Signal.SYNTHETIC_CLAIMED},
            "credential_trusted",
            ["credential_declares_synthetic"],
        ),
        (
            read("valid_untrusted", actions=COMPOSITE),
            {Signal.UNKNOWN_SIGNER, Signal.SIGNED_COMPOSITE, Signal.COMPOSITE_CLAIMED},
            "credential_untrusted_signer",
            ["credential_declares_composite"],
        ),
        (
            read("trusted", actions=CAMERA),
            {Signal.TRUSTED_SIGNER, Signal.TRUSTED_CAMERA, Signal.CAMERA_CLAIMED},
            "credential_trusted",
            ["credential_declares_camera"],
        ),
        (
            read("valid_untrusted", actions=CAMERA),
            {Signal.UNKNOWN_SIGNER, Signal.CAMERA_CLAIMED},
            "credential_untrusted_signer",
            ["credential_declares_camera"],
        ),
    ],
)
def test_what_a_credential_shows(credential: Credential, signals: set[Signal], reason: str, says: list[str]) -> None:
    found = finding(credential)
    assert shown(found)[::2] == (signals, [])
    assert shown(found)[1][0] == reason
    assert shown(found)[1][1:] == says
    assert found.section.state == credential.state


def test_our_manifest_on_other_bytes_is_broken() -> None:
    moved = finding(read("trusted"), issued_manifest=True)
    assert Signal.BROKEN_CREDENTIAL in moved.signals
    assert "file_changed_after_issue" in moved.reasons
    for own in (
        finding(read("trusted"), issued_manifest=True, issued_file=True),
        finding(read("valid_untrusted"), issued_manifest=True),  # a stranger can copy our ids
    ):
        assert Signal.BROKEN_CREDENTIAL not in own.signals
        assert "file_changed_after_issue" not in own.reasons


def test_a_broken_ingredient_is_a_conflict() -> None:
    made_from = Ingredient("a.png", "parentOf", ("claimSignature.mismatch",))
    found = finding(read("trusted", ingredients=(made_from, Ingredient(None, None))))
    assert shown(found)[2] == ["ingredient_invalid"]
    assert [ingredient.failures for ingredient in found.section.ingredients] == [["claimSignature.mismatch"], []]


def test_a_lost_credential_is_recovered(installation: Installation, gateway: Gateway) -> None:
    """Through the watermark alone: the file says nothing, so nothing but the section comes of it."""
    released = gateway.release(Order(prompt="a lake", seed=1))
    stripped = b"".join(png_chunks_but(released.data, b"caBX"))
    report = installation.examiner.examine(stripped, classify=False)
    assert report.claimed.state == "recovered"
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.content_id == released.admitted.content_id
    assert report.claimed.failures == []
    assert report.reasons[0].code == "credential_absent"


def png_chunks_but(data: bytes, kind: bytes) -> list[bytes]:
    """The parts of a PNG file without its chunks of one kind."""
    parts, at = [data[:8]], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] != kind:
            parts.append(data[at:end])
        at = end
    return parts


@pytest.fixture(scope="module")
def reader() -> Credentials:
    pki = make_development_pki()
    return Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])


@pytest.mark.parametrize("case", list(provenance.trees()), ids=lambda case: case.name)
def test_every_tree_is_judged_right(reader: Credentials, case: provenance.Case) -> None:
    report = Evidence(reader.read(case.data, "image/jpeg")).report()
    assert (report.claimed.integrity, report.verdict, report.outcome) == (case.integrity, case.verdict, case.outcome)
    assert report.conflicts == list(case.conflicts)


def test_an_expired_certificate_is_not_tampering(reader: Credentials) -> None:
    report = Evidence(reader.read(provenance.expired(), "image/jpeg")).report()
    assert (report.verdict, report.outcome) == ("credential_expired", "expired")
    assert (report.claimed.integrity, report.claimed.signer_status) == ("intact", "expired")
    assert "credential_declares_synthetic" in [reason.code for reason in report.reasons]


def test_a_cut_file_shows_its_claim(reader: Credentials) -> None:
    claimed = Evidence(reader.read(provenance.camera()[:-400], "image/jpeg")).report().claimed
    assert claimed.actions[0].digital_source_type == CAMERA[0].digital_source_type
    assert (claimed.integrity, claimed.signer, claimed.state) == ("unreadable", "Case Signer", "invalid")
    assert claimed.failures == ["file.incomplete"]


def test_algorithmic_is_said_in_words(reader: Credentials) -> None:
    data = provenance.lab().sign(provenance.jpeg(), "image/jpeg", provenance.created("algorithmicMedia"))
    report = Evidence(reader.read(data, "image/jpeg")).report()
    assert report.reasons[1].text.endswith("algorithmic, not trained on examples.")


def test_an_untrusted_parent_is_a_note(reader: Credentials) -> None:
    parent = provenance.stranger().sign(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    report = Evidence(reader.read(provenance.edited([provenance.OPENED], (parent, "parentOf")), "image/jpeg")).report()
    assert (report.outcome, report.claimed.trust_list, report.conflicts) == ("verified", "lab", [])
    assert "ingredient_unknown_signer" in [reason.code for reason in report.reasons]


def test_an_altered_reference_is_a_conflict_and_the_image_is_not_made_of_it(reader: Credentials) -> None:
    data = provenance.edited(provenance.GENERATED, (provenance.broken(), "inputTo"))
    report = Evidence(reader.read(data, "image/jpeg")).report()
    assert (report.outcome, report.conflicts) == ("verified", ["ingredient_invalid"])


def test_an_expired_camera_is_not_believed() -> None:
    late = replace(read("trusted", actions=CAMERA), signer_status=SignerStatus.EXPIRED)
    assert finding(late).signals == {Signal.EXPIRED_CREDENTIAL}
    assert finding(replace(late, actions=AI)).signals == {Signal.EXPIRED_CREDENTIAL, Signal.SYNTHETIC_CLAIMED}


def test_a_malformed_credential_speaks_only_where_its_contents_are_bound() -> None:
    malformed = replace(read("trusted", actions=AI), integrity=Integrity.MALFORMED)
    assert finding(malformed).signals >= {Signal.MALFORMED_CREDENTIAL, Signal.SIGNED_SYNTHETIC}
    assert finding(replace(malformed, bound=False)).signals == {Signal.MALFORMED_CREDENTIAL}


def test_a_revoked_certificate_is_rejected_and_nothing_is_tampered() -> None:
    report = Evidence(replace(read("trusted", actions=CAMERA), signer_status=SignerStatus.REVOKED)).report()
    assert (report.verdict, report.outcome) == ("inconclusive", "invalid")
    assert report.reasons[0].code == "credential_signer_rejected"
