"""Prove: the finished file is read as anybody else would read it."""

import pytest

from service.gateway.order import Order
from service.installation import Installation
from service.kit.errors import (
    StageFailed,
)
from service.media.pictures import ImageLimits, Picture, decode, encode
from tests.support.credentials import read
from tests.support.gateway import Build, Notary, refused
from tests.support.painter import landscape
from watermark.c2pa.credentials import SignedFile, State
from watermark.c2pa.manifest import Statement


def test_an_unsigned_file_is_refused(build: Build, installation: Installation) -> None:
    notary = Notary(installation.credentials, sign=lambda data, mime, statement: SignedFile(data, b""))
    assert refused(build(credentials=notary), installation).stage == "prove"


@pytest.mark.parametrize("state", ["invalid", "absent", "remote_only"])
def test_a_credential_that_does_not_hold_is_refused(build: Build, installation: Installation, state: State) -> None:
    notary = Notary(installation.credentials, read=lambda *args: read(state))
    assert refused(build(credentials=notary), installation).stage == "prove"


def test_a_credential_that_names_another_mark_is_refused(build: Build, installation: Installation) -> None:
    notary = Notary(installation.credentials, read=lambda *args: read("trusted"))
    assert refused(build(credentials=notary), installation).stage == "prove"


@pytest.mark.parametrize(("read", "stage"), [(1, "mark"), (2, "prove")])
@pytest.mark.parametrize("to", ["png", "jpeg", "webp"])
def test_a_file_of_ours_that_cannot_be_read_is_no_callers_fault(
    build: Build, installation: Installation, monkeypatch: pytest.MonkeyPatch, to: str, read: int, stage: str
) -> None:
    from service.gateway.stages import mark, prove

    reads = []

    def decoded(data: bytes, limits: ImageLimits) -> Picture:
        reads.append(data)
        return decode(data if len(reads) != read else data[:100], limits)

    for module in (mark, prove):
        monkeypatch.setattr(module, "decode", decoded)
    refusal = refused(build(), installation, Order(prompt="a lake", seed=1, format=to))  # type: ignore[arg-type]
    assert (type(refusal), refusal.stage, refusal.status) == (StageFailed, stage, 503)


@pytest.mark.parametrize("other", ["another picture", "one grey level"])
def test_a_signer_that_changes_the_picture_is_refused(build: Build, installation: Installation, other: str) -> None:
    """Also where it would still look like the screened one: what was read back is what must leave."""

    def sign(data: bytes, mime: str, statement: Statement) -> SignedFile:
        shown = (
            landscape(99, 256, 256)
            if other == "another picture"
            else decode(data, ImageLimits(1 << 24, 1 << 24)).rgb.copy()
        )
        shown[0, 0, 0] ^= 1
        return installation.credentials.sign(encode(shown, "png")[0], mime, statement)

    refusal = refused(build(credentials=Notary(installation.credentials, sign=sign)), installation)
    assert refusal.stage == "prove"
    assert "marked image" in refusal.message
