import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.assets import provenance
from tests.assets.hostile import picture, save
from tests.support.mutants import CHANGES, mutated
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.presence import STORE_TYPE, look, sniff
from watermark.c2pa.status import Integrity

PLAIN = dict(provenance.without_credential_bytes())
FORMS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "AVIF": "image/avif", "TIFF": "image/tiff",
         "GIF": "image/gif"}  # fmt: skip
MANIFEST_AT_THE_END = ("WEBP", "TIFF")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def wave() -> bytes:
    body = (
        b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + struct.pack("<I", 64) + bytes(64)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    pki = make_development_pki()
    return Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])


@pytest.mark.parametrize("name", PLAIN)
def test_damaged_files_without_a_credential_carry_none(credentials: Credentials, name: str) -> None:
    found = look(PLAIN[name])
    assert (found.embedded, found.store, found.remote_url) == (False, None, None)
    assert credentials.read(PLAIN[name], "image/png").integrity is Integrity.ABSENT


@pytest.mark.parametrize(
    ("mime", "plain"),
    [
        *((mime, save(picture(size=provenance.SIZE), form)) for form, mime in FORMS.items()),
        ("image/svg+xml", SVG),
        ("audio/wav", wave()),
    ],
)
def test_every_signed_form_is_seen_and_read(credentials: Credentials, mime: str, plain: bytes) -> None:
    signed = provenance.lab().sign(plain, mime, provenance.GENERATED)
    assert (sniff(plain), look(plain).embedded, look(plain).complete) == (mime, False, True)
    found = look(signed)
    assert (found.mime, found.embedded, found.complete) == (mime, True, True)
    assert credentials.read(signed, "application/octet-stream").state == "trusted"
    if mime != "image/svg+xml":  # which holds it as base64
        assert found.store is not None
        assert found.store[16:32] == STORE_TYPE


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_signed_file_still_shows_its_claim_where_its_manifest_is_whole(
    credentials: Credentials, form: str
) -> None:
    """Cut anywhere, it is never `altered`: the bytes that were hashed are not all there."""
    signed = provenance.lab().sign(save(picture(size=provenance.SIZE), form), FORMS[form], provenance.CAMERA)
    shown = 0
    for share in (0.15, 0.4, 0.6, 0.8, 0.99):
        cut = signed[: int(len(signed) * share)]
        read = credentials.read(cut, FORMS[form])
        assert read.integrity in (Integrity.UNREADABLE, Integrity.ABSENT), share
        assert not read.signed
        shown += bool(read.actions)
    assert shown or form in MANIFEST_AT_THE_END


@pytest.mark.parametrize("form", FORMS)
def test_a_url_is_shown_and_nothing_connects(credentials: Credentials, form: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        plain = save(picture(size=provenance.SIZE), form)
        sign = provenance.lab().sign
        elsewhere = sign(plain, FORMS[form], provenance.GENERATED, remote_url=url, embed=False)
        read = credentials.read(elsewhere, FORMS[form])
        assert (read.state, read.integrity, read.remote_url) == ("remote_only", Integrity.ABSENT, url)
        both = credentials.read(sign(plain, FORMS[form], provenance.GENERATED, remote_url=url), FORMS[form])
        assert (both.state, both.remote_url) == ("trusted", url)
        with pytest.raises(TimeoutError):
            server.accept()


@settings(max_examples=250, deadline=None)
@given(
    data=st.sampled_from([save(picture(size=(24, 16)), form) for form in FORMS] + [SVG, wave(), b""]),
    changes=st.lists(CHANGES, max_size=12),
    cut=st.floats(0.02, 1),
    tail=st.binary(max_size=64),
)
def test_mutants_of_files_without_credential_bytes_are_never_accused(
    credentials: Credentials, data: bytes, changes: list[tuple[float, int]], cut: float, tail: bytes
) -> None:
    file = mutated(data, changes, cut) + tail if data else tail
    read = credentials.read(file, "image/png")
    assert read.integrity in (Integrity.ABSENT, Integrity.UNREADABLE)
    assert read.state in ("absent", "remote_only") or look(file).embedded


@settings(max_examples=150, deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8), cut=st.floats(0.05, 1)
)
def test_mutants_of_signed_files_never_raise_and_are_never_trusted_with_other_contents(
    credentials: Credentials, changes: list[tuple[float, int]], cut: float
) -> None:
    signed = provenance.camera()
    file = mutated(signed, changes, cut)
    read = credentials.read(file, "image/jpeg")
    if cut < 0.99:
        assert read.state != "trusted"


def test_walking_is_bounded() -> None:
    """A million blocks are not walked; what lies behind them is still seen by its bytes."""
    many = b"\x89PNG\r\n\x1a\n" + provenance.png_chunk(b"prVt", b"") * 150_000
    assert not look(many).embedded
    assert look(many + bytes(4) + STORE_TYPE).embedded


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"%PDF-1.7\n", "application/pdf"), (b"fLaC", "audio/flac"), (b"ID3\4", "audio/mpeg"),
        (b"PK\3\4", "application/zip"), (struct.pack(">I4s4s", 12, b"ftyp", b"heic"), "image/heic"),
        (struct.pack(">I4s4s", 12, b"ftyp", b"mif1"), "image/heif"),
        (struct.pack(">I4s4s", 12, b"ftyp", b"isom"), "video/mp4"),
        (struct.pack(">I4s4s", 12, b"ftyp", b"qt  "), "video/quicktime"), (b"\xff\x0a", "image/jxl"),
        (bytes([0, 0, 0, 12]) + b"JXL \r\n\x87\n", "image/jxl"), (b"hello", None), (b"", None),
    ],
)  # fmt: skip
def test_types_by_first_bytes(data: bytes, mime: str | None) -> None:
    assert sniff(data) == mime
