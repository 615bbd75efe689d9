"""Every kind of file that carries a credential: signed by the bare SDK, read by us, changed, and cut."""

import io
import json

import pytest
from c2pa import Builder, C2paSignerInfo, Context, Signer

from tests.assets.containers import CONTAINERS
from tests.support.statements import STATEMENT
from watermark.c2pa import presence
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.manifest import build
from watermark.c2pa.pki import Pki, make_development_pki
from watermark.c2pa.status import Integrity

NO_END = {"audio/flac", "audio/mpeg"}  # a stream does not say how long it is, so a cut one is one that was changed


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_development_pki()


def signed(data: bytes, mime: str, pki: Pki) -> bytes:
    plain = {"verify_after_sign": False, "remote_manifest_fetch": False}
    context = Context.from_dict({"version": 1, "verify": plain, "builder": {"thumbnail": {"enabled": False}}})
    signer = Signer.from_info(C2paSignerInfo("es256", pki.chain, pki.key, None))
    out = io.BytesIO()
    with Builder(json.dumps(build(STATEMENT, mime)), context) as builder:
        builder.sign(signer, mime, io.BytesIO(data), out)
    return out.getvalue()


@pytest.mark.parametrize("mime", CONTAINERS)
def test_a_container(mime: str, pki: Pki) -> None:
    credentials = Credentials(pki.chain, pki.key, "es256", [])

    def integrity(data: bytes) -> Integrity:
        return credentials.read(data, presence.look(data).mime or mime).integrity

    file = signed(CONTAINERS[mime], mime, pki)
    found = presence.look(file)
    assert found.mime == ("image/tiff" if mime == "image/dng" else mime)
    assert found.embedded
    assert integrity(file) == Integrity.INTACT
    assert integrity(CONTAINERS[mime]) == Integrity.ABSENT
    assert integrity(changed(file)) == Integrity.ALTERED
    assert integrity(file[:-30]) == (Integrity.ALTERED if mime in NO_END else Integrity.UNREADABLE)


def changed(file: bytes) -> bytes:
    """With one bit of what it shows flipped; where that is compressed, its last but one byte's."""
    at = max(file.find(bytes(range(100, 140))), file.find(b"a" * 10))
    at = at + 5 if at >= 0 else len(file) - 2
    return file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]
