import datetime as dt
from typing import Any

import pytest

from tests.assets import provenance
from tests.support.sdk_answers import MATCH, NOW, TRUSTED, VALIDATED, code, read, store
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.status import Integrity, Revocation, SignerStatus


def test_an_intact_credential() -> None:
    found = read(store())
    assert (found.integrity, found.signer_status, found.trust_list) == (Integrity.INTACT, SignerStatus.TRUSTED, "lab")
    assert found.revocation is Revocation.NOT_CHECKED


@pytest.mark.parametrize(
    ("failures", "integrity", "status"),
    [
        (("signingCredential.untrusted",), Integrity.INTACT, SignerStatus.UNKNOWN),
        (("signingCredential.untrusted", "signingCredential.expired"), Integrity.INTACT, SignerStatus.EXPIRED),
        (("claimSignature.outsideValidity",), Integrity.INTACT, SignerStatus.EXPIRED),
        (("signingCredential.ocsp.revoked",), Integrity.INTACT, SignerStatus.REVOKED),
        (("signingCredential.invalid",), Integrity.INTACT, SignerStatus.UNFIT),
        (("cawg.ica.did_unavailable",), Integrity.INTACT, SignerStatus.TRUSTED),
        (("cawg.identity.hard_binding_missing",), Integrity.INTACT, SignerStatus.TRUSTED),
        (("assertion.action.malformed",), Integrity.MALFORMED, SignerStatus.TRUSTED),
        (("somebody.invented.this",), Integrity.MALFORMED, SignerStatus.TRUSTED),
        (("assertion.dataHash.mismatch",), Integrity.ALTERED, SignerStatus.TRUSTED),
        (("assertion.dataHash.mismatch", "claim.malformed"), Integrity.ALTERED, SignerStatus.TRUSTED),
        (("ingredient.manifest.mismatch",), Integrity.INTACT, SignerStatus.TRUSTED),
    ],
)
def test_each_failure_concerns_one_axis(failures: tuple[str, ...], integrity: Integrity, status: SignerStatus) -> None:
    success = (VALIDATED, MATCH) if "signingCredential.untrusted" in failures else (VALIDATED, MATCH, TRUSTED)
    found = read(store(success=success, failure=tuple(code(each) for each in failures)))
    assert (found.integrity, found.signer_status) == (integrity, status)
    assert set(failures) <= set(found.failures)


def test_without_a_validated_signature_nothing_is_intact() -> None:
    found = read(store(success=(MATCH, TRUSTED)))
    assert (found.integrity, found.bound, found.signed) == (Integrity.MALFORMED, False, False)


def test_a_manifest_that_is_not_bound_to_the_file_says_nothing_of_it() -> None:
    found = read(store(success=(VALIDATED, TRUSTED), failure=(code("claim.hardBindings.missing"),)))
    assert (found.integrity, found.signed) == (Integrity.MALFORMED, False)


def test_lists_for_time_stamps_vouch_for_no_signer() -> None:
    other = {**TRUSTED, "explanation": "found in [urn:tsa] trust anchors"}
    found = read(store(success=(VALIDATED, MATCH, other)))
    assert (found.signer_status, found.trust_list) == (SignerStatus.UNKNOWN, None)


def test_missing_bytes_are_not_other_bytes() -> None:
    for entry, complete in (
        (code("assertion.dataHash.mismatch", explanation="The exclusion range exceed the data length"), True),
        (code("assertion.dataHash.mismatch"), False),
    ):
        found = read(store(success=(VALIDATED, TRUSTED), failure=(entry,)), complete=complete)
        assert (found.integrity, found.failures) == (Integrity.UNREADABLE, ("file.incomplete",))
    forged = store(failure=(code("assertion.dataHash.mismatch"), code("claimSignature.mismatch")))
    assert read(forged, complete=False).integrity is Integrity.ALTERED


def test_time_is_only_a_trusted_stamps() -> None:
    signed = {"time": "2026-01-02T03:04:05+00:00"}
    stamped = (VALIDATED, MATCH, TRUSTED, code("timeStamp.trusted"))
    found = read(store(success=stamped, signature_info=signed))
    assert (found.signed_at, found.claimed_at) == (signed["time"], None)
    for answer in (
        store(signature_info=signed, informational=(code("timeStamp.untrusted"),)),
        store(success=stamped, signature_info=signed, claim_version=1),  # the SDK checks no authority of version 1
    ):
        found = read(answer)
        assert (found.signed_at, found.claimed_at) == (None, signed["time"])


def test_a_version_1_claim_by_an_expired_certificate_is_expired() -> None:
    past, future = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
    old = store(claim_version=1)
    assert read(old, expires=lambda: past).signer_status is SignerStatus.EXPIRED
    assert read(old, expires=lambda: future).signer_status is SignerStatus.TRUSTED
    assert read(store(), expires=lambda: past).signer_status is SignerStatus.TRUSTED  # the SDK did check


def test_expired_at_signing_needs_a_trusted_time() -> None:
    failed = (code("claimSignature.outsideValidity"),)
    found = read(store(success=(VALIDATED, MATCH, code("timeStamp.trusted")), failure=failed))
    assert found.signer_status is SignerStatus.EXPIRED_AT_SIGNING


def test_informational_codes_are_kept() -> None:
    found = read(store(informational=(code("signingCredential.ocsp.skipped", explanation="OCSP fetching skipped"),)))
    (remark,) = found.remarks
    assert (remark.code, remark.failure, remark.manifest_id) == ("signingCredential.ocsp.skipped", False, NOW)


def test_identities_are_apart() -> None:
    label = "cawg.identity"
    assertion = {"label": label, "data": {"verifiedIdentities": [{"name": "Ann"}, {"username": "ann"}]}}
    failed = code("cawg.ica.untrusted_issuer", url=f"self#jumbf=/c2pa/{NOW}/c2pa.assertions/{label}")
    found = read(store(assertions=[assertion], failure=(failed,)))
    (identity,) = found.identities
    assert (identity.name, identity.status, identity.failures) == ("Ann, ann", "not_verified", (failed["code"],))
    assert found.state == "trusted"
    held = read(store(assertions=[assertion], success=(VALIDATED, MATCH, TRUSTED, code("cawg.identity.trusted"))))
    assert held.identities[0].status == "verified"
    assert read(store(assertions=[assertion])).identities[0].status == "not_checked"


@pytest.mark.parametrize("answer", [{}, {"manifests": []}, {"active_manifest": "x", "manifests": {"x": None}}])
def test_an_answer_without_a_manifest_is_malformed(answer: dict[str, Any]) -> None:
    assert read(answer).integrity is Integrity.MALFORMED


def test_the_sdks_own_answers(tmp_path: object) -> None:
    """The forms above are the SDK's: a parent that was altered, under an honest editor."""
    pki = make_development_pki()
    reader = Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])
    edited = provenance.edited(
        [provenance.OPENED], (provenance.broken(), "parentOf"), (provenance.camera(), "componentOf")
    )
    found = reader.read(edited, "image/jpeg")
    assert (found.state, found.trust_list) == ("trusted", "lab")
    assert [each.failures for each in found.ingredients] == [("assertion.dataHash.mismatch",), ()]
    assert [each.signer_status for each in found.ingredients] == [SignerStatus.TRUSTED, SignerStatus.TRUSTED]
    assert [manifest.actions[0].action for manifest in found.manifests] == ["c2pa.created"]
    assert found.actions[0].ingredients == (found.ingredients[0].label,)
