from dataclasses import replace

import pytest
from cryptography import x509

from service.media.pictures import encode
from tests.support.painter import landscape
from tests.support.statements import STATEMENT
from watermark.c2pa.credentials import CredentialError, Credentials, TrustList
from watermark.c2pa.manifest import (
    COMPOSITE,
    ENERGY_LABEL,
    TRAINED_ALGORITHMIC_MEDIA,
    InputSource,
    Resized,
    build,
    mark_id_of,
)
from watermark.c2pa.pki import LABEL, Pki, make_development_pki


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_development_pki()


@pytest.fixture(scope="module")
def notary(pki: Pki) -> Credentials:
    return Credentials(pki.chain, pki.key, "es256", [TrustList("development", pki.root)])


@pytest.fixture(scope="module", params=["png", "jpeg", "webp", "avif", "tiff"])
def plain(request: pytest.FixtureRequest) -> tuple[bytes, str]:
    return encode(landscape(1, 128, 128), request.param)


def test_what_was_enlarged_and_what_it_cost(notary: Credentials, plain: tuple[bytes, str]) -> None:
    cost: dict[str, float | str | None] = {"seconds": 1.5, "watt_hours": None, "method": "unknown"}
    resized = Resized("Pillow Lanczos", "12.0", (256, 256))
    signed = notary.sign(*plain, replace(STATEMENT, resized=resized, energy=cost))
    credential = notary.read(signed.data, plain[1])
    assert credential.state == "trusted"
    assert [action.action for action in credential.actions] == [
        "c2pa.created",
        "c2pa.resized.proportional",
        "c2pa.watermarked.bound",
    ]
    assert credential.actions[1].agent == "Pillow Lanczos"
    assert b"Generated at 256x256 px and upscaled." in signed.manifest
    assert credential.disclosures[ENERGY_LABEL] == cost


def test_signed_and_read(notary: Credentials, plain: tuple[bytes, str]) -> None:
    signed = notary.sign(*plain, STATEMENT)
    credential = notary.read(signed.data, plain[1])
    assert (credential.state, credential.trust_list) == ("trusted", "development")
    assert credential.title == "urn:uuid:1"
    assert LABEL in (credential.signer or "")
    assert credential.generator == "Countermark 0.1"
    created, watermarked = credential.actions
    assert (created.action, created.agent) == ("c2pa.created", "painter")
    assert created.digital_source_type == TRAINED_ALGORITHMIC_MEDIA
    assert created.when == "2026-01-02T03:04:05Z"
    assert watermarked.action == "c2pa.watermarked.bound"
    (binding,) = credential.soft_bindings
    assert binding.algorithm == "org.example.mark"
    assert mark_id_of(binding.value) == 123456789
    assert credential.disclosures["org.countermark.disclosure"] == {
        "provider": "Test",
        "system": "Countermark",
        "system_version": "0.1",
        "created_at": "2026-01-02T03:04:05Z",
        "content_id": "urn:uuid:1",
    }
    assert credential.failures == ()
    assert credential.signed_at is None


def test_nothing_signed(notary: Credentials, plain: tuple[bytes, str]) -> None:
    credential = notary.read(*plain)
    assert credential.state == "absent"
    assert credential.only_bytes_differ


def test_the_stored_manifest_reads_against_other_bytes(notary: Credentials, plain: tuple[bytes, str]) -> None:
    signed = notary.sign(*plain, STATEMENT)
    other, mime = encode(landscape(2, 64, 64), "jpeg")
    credential = notary.read(other, mime, signed.manifest)
    assert credential.state == "invalid"
    assert credential.only_bytes_differ
    assert credential.title == "urn:uuid:1"
    forged = bytearray(signed.manifest)
    at = forged.index(b"urn:uuid:1")
    forged[at + 9 : at + 10] = b"2"
    assert not notary.read(other, mime, bytes(forged)).only_bytes_differ


def test_another_signer_is_untrusted_not_invalid(notary: Credentials, plain: tuple[bytes, str]) -> None:
    other = make_development_pki()
    stranger = Credentials(other.chain, other.key, "es256", [TrustList("development", other.root)])
    credential = notary.read(stranger.sign(*plain, STATEMENT).data, plain[1])
    assert credential.state == "valid_untrusted"
    assert credential.trust_list is None
    assert credential.failures == ("signingCredential.untrusted",)


def test_a_changed_byte_is_invalid(notary: Credentials, plain: tuple[bytes, str]) -> None:
    signed = notary.sign(*plain, STATEMENT)
    data = bytearray(signed.data)
    at = data.index(plain[0][-40:-30]) if plain[0][-40:-30] in data else len(data) // 2
    data[at] ^= 1
    assert notary.read(bytes(data), plain[1]).state == "invalid"


@pytest.mark.parametrize("data", [b"", b"junk", b"\x89PNG\r\n\x1a\n"])
def test_what_cannot_be_parsed_is_never_an_exception(notary: Credentials, data: bytes) -> None:
    assert notary.read(data, "image/png").state in ("invalid", "absent")


def test_a_truncated_file_is_invalid(notary: Credentials, plain: tuple[bytes, str]) -> None:
    signed = notary.sign(*plain, STATEMENT)
    assert notary.read(signed.data[:900], plain[1]).state in ("invalid", "absent")


def test_a_wrong_key_cannot_be_used(pki: Pki) -> None:
    with pytest.raises(CredentialError, match="cannot be used"):
        Credentials(pki.chain, b"garbage", "es256", [])


def test_what_cannot_be_signed(notary: Credentials) -> None:
    with pytest.raises(CredentialError, match="could not be signed"):
        notary.sign(b"junk", "image/png", STATEMENT)


def test_the_development_chain(pki: Pki) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(pki.chain)
    root = x509.load_pem_x509_certificate(pki.root)
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert pki.key not in repr(pki).encode()


def test_assertions_of_unknown_shapes_are_invalid_not_an_exception(
    pki: Pki, notary: Credentials, plain: tuple[bytes, str]
) -> None:
    import io

    from c2pa import Builder, C2paSignerInfo, Context, Signer

    definition = build(STATEMENT, plain[1])
    definition["assertions"].append({"label": "c2pa.soft-bindingx", "data": ["x"]})
    definition["assertions"].append({"label": "org.example.disclosure", "data": "hello"})
    out = io.BytesIO()
    signer = Signer.from_info(C2paSignerInfo("es256", pki.chain, pki.key, None))
    with Builder(definition, Context.from_dict({"version": 1, "verify": {"verify_after_sign": False}})) as builder:
        builder.sign(signer, plain[1], io.BytesIO(plain[0]), out)
    credential = notary.read(out.getvalue(), plain[1])
    assert (credential.state, credential.failures) == ("invalid", ("assertion.malformed",))


def test_a_changed_picture_and_its_mask_are_ingredients(notary: Credentials, plain: tuple[bytes, str]) -> None:
    sources = (InputSource("image", plain[1], "a" * 64), InputSource("mask", "image/png", "b" * 64))
    signed = notary.sign(*plain, replace(STATEMENT, sources=sources))
    credential = notary.read(signed.data, plain[1])
    assert (credential.state, credential.failures) == ("trusted", ())
    assert [action.action for action in credential.actions] == ["c2pa.opened", "c2pa.edited", "c2pa.watermarked.bound"]
    assert credential.actions[1].digital_source_type == COMPOSITE
    told = [(one.title, one.relationship, one.failures) for one in credential.ingredients]
    assert told == [("edited image", "parentOf", ()), ("edit mask", "inputTo", ())]
    for source in sources:
        assert source.sha256.encode() in signed.data
