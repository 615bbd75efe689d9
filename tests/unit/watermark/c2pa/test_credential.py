from dataclasses import replace

import pytest

from tests.support.credentials import read
from watermark.c2pa.credential import Action, Ingredient, Manifest, State
from watermark.c2pa.status import Integrity, SignerStatus


@pytest.mark.parametrize("state", ["trusted", "valid_untrusted", "invalid", "absent", "remote_only"])
def test_one_word_for_everything(state: State) -> None:
    assert read(state).state == state


@pytest.mark.parametrize("status", [SignerStatus.EXPIRED, SignerStatus.REVOKED, SignerStatus.UNFIT])
def test_version_1_called_everything_else_invalid(status: SignerStatus) -> None:
    assert replace(read("trusted"), signer_status=status).state == "invalid"
    assert replace(read("trusted"), integrity=Integrity.UNREADABLE).state == "invalid"


def test_a_word_counts_only_about_this_file() -> None:
    assert read("valid_untrusted").signed
    assert not read("invalid").signed
    assert not replace(read("trusted"), bound=False).signed


@pytest.mark.parametrize(
    ("failures", "answer"),
    [
        ((), True),
        (("assertion.dataHash.mismatch", "signingCredential.untrusted", "signingCredential.expired"), True),
        (("file.incomplete",), True),
        (("assertion.dataHash.mismatch", "claimSignature.mismatch"), False),
        (("claim.malformed",), False),
    ],
)
def test_whether_only_the_files_bytes_differ(failures: tuple[str, ...], answer: bool) -> None:
    assert read("invalid", failures=failures).only_bytes_differ is answer


def test_an_ingredient_is_as_bad_as_its_worst_failure() -> None:
    assert Ingredient(None, None, ("claim.malformed", "assertion.dataHash.mismatch")).integrity is Integrity.ALTERED
    assert Ingredient(None, None).integrity is Integrity.INTACT


def test_the_active_manifest_in_the_form_of_the_others() -> None:
    made = (Action("c2pa.created"),)
    assert read("trusted", manifest_id="urn:1", actions=made).active == Manifest(id="urn:1", actions=made)
