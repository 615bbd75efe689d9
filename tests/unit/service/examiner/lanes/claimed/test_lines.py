from service.examiner.lanes.claimed.lines import lines
from service.examiner.lanes.claimed.section import (
    Claimed,
    ClaimedAction,
    ClaimedIdentity,
    ClaimedIngredient,
    ClaimedRedaction,
    ClaimedRemark,
    OriginClaim,
)
from service.examiner.lanes.declared import Declared
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE
from watermark.c2pa.origin import Kind
from watermark.c2pa.status import Integrity, SignerStatus, status

AI = DIGITAL_SOURCE_TYPE + "trainedAlgorithmicMedia"


def test_lines() -> None:
    section = Claimed(
        state="invalid",
        integrity=Integrity.INTACT,
        signer_status=SignerStatus.EXPIRED,
        signer="Ann",
        issuer="Acme",
        generator="painter 1",
        claimed_at="2026-01-01T00:00:00Z",
        remote_url="https://example.org/m",
        origin=OriginClaim(kind=Kind.SYNTHETIC, through_ingredient=True),
        actions=[ClaimedAction(action="c2pa.created", digital_source_type=AI, agent="painter")],
        ingredients=[
            ClaimedIngredient(title="a.jpg", relationship="parentOf", integrity=Integrity.ALTERED, manifest_id="urn:1",
                              failures=["assertion.dataHash.mismatch"]),
            ClaimedIngredient(relationship="inputTo"),
        ],
        identities=[ClaimedIdentity(label="cawg.identity", name="Ann", status="not_verified")],
        redactions=[
            ClaimedRedaction(target="self#jumbf=x"),
            ClaimedRedaction(target="self#jumbf=y", reason="c2pa.PII.present"),
        ],
        remarks=[
            claimed_remark("signingCredential.expired", True),
            claimed_remark("signingCredential.ocsp.skipped", False),
        ],
        declarations=[Declared(source="exif", origin="camera", value="Canon")],
    )  # fmt: skip
    assert list(lines(section)) == [
        "intact",
        "signer: Ann, Acme (trust list: none)",
        "certificate: expired",
        "signed at 2026-01-01T00:00:00Z by the signer's own word",
        "credential elsewhere, not fetched: https://example.org/m",
        "generator: painter 1",
        "origin: synthetic, by an ingredient",
        "c2pa.created: painter trainedAlgorithmicMedia",
        "made from: a.jpg (parentOf, altered, assertion.dataHash.mismatch)",
        "made from: a file (inputTo, without a credential)",
        "identity: Ann (not verified)",
        "redacted: self#jumbf=x (no reason given)",
        "redacted: self#jumbf=y (c2pa.PII.present)",
        "failure: signingCredential.expired: The signing certificate has expired.",
        "note: signingCredential.ocsp.skipped: Nobody was asked whether the certificate was revoked.",
    ]
    assert list(lines(Claimed(state="absent"))) == ["absent"]


def claimed_remark(code: str, failure: bool) -> ClaimedRemark:
    meaning = status(code)
    return ClaimedRemark(code=code, axis=meaning.axis, failure=failure, text=meaning.text, source=meaning.section)
