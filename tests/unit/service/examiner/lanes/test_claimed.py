import pytest

from service.examiner.lanes.claimed import Claimed, ClaimedAction, ClaimedLane, finding
from service.examiner.lanes.declared import Declared
from service.examiner.policy import Signal
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from tests.support.evidence import shown
from watermark.c2pa.credentials import Action, Credential, Ingredient
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE

AI = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "trainedAlgorithmicMedia"),)
COMPOSITE = (Action("c2pa.edited", DIGITAL_SOURCE_TYPE + "compositeSynthetic"),)
CAMERA = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "digitalCapture"),)


@pytest.mark.parametrize(
    ("credential", "signals", "reason"),
    [
        (Credential("absent"), set(), "credential_absent"),
        (Credential("remote_only"), set(), "credential_elsewhere"),
        (Credential("invalid", actions=AI), {Signal.BROKEN_CREDENTIAL}, "credential_invalid"),
        (Credential("invalid", actions=CAMERA), {Signal.BROKEN_CREDENTIAL}, "credential_invalid"),
        (Credential("trusted"), {Signal.TRUSTED_SIGNER}, "credential_trusted"),
        (Credential("valid_untrusted"), {Signal.UNKNOWN_SIGNER}, "credential_untrusted_signer"),
        (
            Credential("trusted", actions=AI),
            {Signal.TRUSTED_SIGNER, Signal.SIGNED_SYNTHETIC, Signal.SYNTHETIC_CLAIMED},
            "credential_trusted",
        ),
        (
            Credential("valid_untrusted", actions=COMPOSITE),
            {Signal.UNKNOWN_SIGNER, Signal.SIGNED_SYNTHETIC, Signal.SYNTHETIC_CLAIMED},
            "credential_untrusted_signer",
        ),
        (
            Credential("trusted", actions=CAMERA),
            {Signal.TRUSTED_SIGNER, Signal.TRUSTED_CAMERA, Signal.CAMERA_CLAIMED},
            "credential_trusted",
        ),
        (
            Credential("valid_untrusted", actions=CAMERA),
            {Signal.UNKNOWN_SIGNER, Signal.CAMERA_CLAIMED},
            "credential_untrusted_signer",
        ),
    ],
)
def test_what_a_credential_shows(credential: Credential, signals: set[Signal], reason: str) -> None:
    found = finding(credential)
    assert shown(found) == (signals, [reason], [])
    assert found.section.state == credential.state


def test_our_manifest_on_other_bytes_is_broken() -> None:
    moved = finding(Credential("trusted"), issued_manifest=True)
    assert Signal.BROKEN_CREDENTIAL in moved.signals
    assert "file_changed_after_issue" in moved.reasons
    for own in (
        finding(Credential("trusted"), issued_manifest=True, issued_file=True),
        finding(Credential("valid_untrusted"), issued_manifest=True),  # a stranger can copy our ids
    ):
        assert Signal.BROKEN_CREDENTIAL not in own.signals
        assert "file_changed_after_issue" not in own.reasons


def test_a_broken_ingredient_is_a_conflict() -> None:
    made_from = Ingredient("a.png", "parentOf", ("claimSignature.mismatch",))
    found = finding(Credential("trusted", ingredients=(made_from, Ingredient(None, None))))
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


def test_lines() -> None:
    section = Claimed(
        state="trusted",
        signer="Ann",
        issuer="Acme",
        generator="painter 1",
        actions=[ClaimedAction(action="c2pa.created", digital_source_type=AI[0].digital_source_type, agent="painter")],
        failures=["signingCredential.expired"],
        declarations=[Declared(source="exif", origin="camera", value="Canon")],
    )
    assert list(ClaimedLane.lines(section)) == [
        "trusted",
        "signer: Ann, Acme (trust list: none)",
        "generator: painter 1",
        "c2pa.created: painter trainedAlgorithmicMedia",
        "failure: signingCredential.expired",
    ]
    assert list(ClaimedLane.lines(Claimed(state="absent"))) == ["absent"]
