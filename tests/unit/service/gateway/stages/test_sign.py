"""Sign: a signer that fails is a refusal."""

from service.installation import Installation
from tests.support.gateway import Build, Notary, raising, refused
from watermark.c2pa.credentials import CredentialError


def test_a_signer_that_fails_is_refused(build: Build, installation: Installation) -> None:
    notary = Notary(installation.credentials, sign=raising(CredentialError("HSM is gone")))
    refusal = refused(build(credentials=notary), installation)
    assert refusal.stage == "sign"
    assert "HSM" in refusal.message
