import pytest

from watermark.c2pa.status import (
    BINDING_MATCHES,
    BINDINGS,
    STATUSES,
    Axis,
    Integrity,
    Revocation,
    SignerStatus,
    status,
    worst,
)


def test_only_a_mismatch_is_altered() -> None:
    """A hash or a signature that does not match: nothing else accuses anybody."""
    altered = {code for code, found in STATUSES.items() if found.value == Integrity.ALTERED}
    assert altered
    assert all(code.endswith(".mismatch") for code in altered)
    assert altered >= BINDINGS


@pytest.mark.parametrize(
    ("code", "axis", "value"),
    [
        ("claimSignature.mismatch", Axis.INTEGRITY, Integrity.ALTERED),
        ("claim.malformed", Axis.INTEGRITY, Integrity.MALFORMED),
        ("algorithm.unsupported", Axis.INTEGRITY, Integrity.UNREADABLE),
        ("signingCredential.expired", Axis.SIGNER, SignerStatus.EXPIRED),
        ("signingCredential.ocsp.revoked", Axis.SIGNER, SignerStatus.REVOKED),
        ("signingCredential.ocsp.skipped", Axis.SIGNER, Revocation.NOT_CHECKED),
        ("signingCredential.invalid", Axis.SIGNER, SignerStatus.UNFIT),
        ("timeStamp.untrusted", Axis.TIME, "untrusted"),
        ("timeStamp.somethingNew", Axis.TIME, "untrusted"),
        ("cawg.ica.invalid_did_document", Axis.IDENTITY, "not_verified"),
        ("cawg.identity.hard_binding_missing", Axis.IDENTITY, "not_verified"),
        ("ingredient.manifest.mismatch", Axis.INGREDIENT, Integrity.ALTERED),
        ("org.example.unheardOf", Axis.INTEGRITY, Integrity.MALFORMED),
    ],
)
def test_every_code_has_one_axis(code: str, axis: Axis, value: str) -> None:
    found = status(code)
    assert (found.axis, found.value) == (axis, value)
    assert found.text.endswith(".")
    assert found.section


@pytest.mark.parametrize(
    ("codes", "answer"),
    [
        (set(), Integrity.INTACT),
        (
            {"signingCredential.untrusted", "cawg.ica.credential_payload.mismatch", "timeStamp.mismatch"},
            Integrity.INTACT,
        ),
        ({"assertion.dataHash.additionalExclusionsPresent"}, Integrity.INTACT),
        ({"claim.malformed"}, Integrity.MALFORMED),
        ({"claim.malformed", "general.error"}, Integrity.UNREADABLE),
        ({"general.error", "assertion.hashedURI.mismatch"}, Integrity.ALTERED),
    ],
)
def test_the_worst_decides(codes: set[str], answer: Integrity) -> None:
    assert worst(codes) is answer


def test_matches_are_the_other_side_of_mismatches() -> None:
    assert {code + "ed" for code in BINDING_MATCHES} != BINDING_MATCHES
    assert {code.replace(".match", ".mismatch") for code in BINDING_MATCHES} == BINDINGS
