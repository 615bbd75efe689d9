"""Sign: a signer that fails is a refusal."""

from service.installation import Installation
from service.media.pictures import decode
from tests.support.gateway import ORDER, Build, Notary, raising, refused
from watermark.c2pa.credentials import CredentialError


def test_a_signer_that_fails_is_refused(build: Build, installation: Installation) -> None:
    notary = Notary(installation.credentials, sign=raising(CredentialError("HSM is gone")))
    refusal = refused(build(credentials=notary), installation)
    assert refusal.stage == "sign"
    assert "HSM" in refusal.message


def test_a_preview_is_in_the_credential_where_the_operator_wants_one(build: Build, installation: Installation) -> None:
    for longest, expected in ((0, 0), (24, 1)):
        released = build(thumbnail=longest).release(ORDER)
        previews = installation.credentials.thumbnails(released.data, released.mime)
        assert len(previews) == expected
        for preview in previews.values():
            assert max(decode(preview, installation.limits).rgb.shape) == 24
