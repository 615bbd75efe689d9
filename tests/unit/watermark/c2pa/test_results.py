from tests.support.sdk_answers import code, delta, parent, read, store
from watermark.c2pa.status import Integrity, SignerStatus


def test_what_an_editor_recorded_counts_as_what_is_found_now() -> None:
    found = read(store(ingredients=(parent(failure=("assertion.dataHash.mismatch",)),)))
    assert found.integrity is Integrity.INTACT
    assert found.ingredients[0].failures == ("assertion.dataHash.mismatch",)
    old = parent(
        validation_results=None, validation_status=[code("claimSignature.mismatch"), code("timeStamp.trusted")]
    )
    assert read(store(ingredients=(old,))).ingredients[0].failures == ("claimSignature.mismatch",)


def test_deltas_belong_to_the_ingredient_that_they_name() -> None:
    pair = (parent("c2pa.ingredient.v3"), parent("c2pa.ingredient.v3__1"))
    found = read(
        store(ingredients=pair, deltas=(delta("c2pa.ingredient.v3__1", failure=("claimSignature.mismatch",)),))
    )
    assert [each.failures for each in found.ingredients] == [(), ("claimSignature.mismatch",)]


def test_trust_of_an_ingredient_is_judged_now() -> None:
    unknown = parent(failure=("signingCredential.untrusted",))
    assert read(store(ingredients=(unknown,))).ingredients[0].signer_status is SignerStatus.UNKNOWN
    now = delta("c2pa.ingredient.v3", success=("signingCredential.trusted",))
    found = read(store(ingredients=(unknown,), deltas=(now,))).ingredients[0]
    assert (found.signer_status, found.failures) == (SignerStatus.TRUSTED, ())
    claimed = parent(validation_results={"activeManifest": {"success": [code("signingCredential.trusted")]}})
    no_more = delta("c2pa.ingredient.v3", failure=("signingCredential.untrusted",))
    found = read(store(ingredients=(claimed,), deltas=(no_more,))).ingredients[0]
    assert found.signer_status is SignerStatus.UNKNOWN
