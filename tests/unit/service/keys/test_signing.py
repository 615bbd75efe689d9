import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from service.installation import Installation
from service.keys import signing
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from tests.support.gateway import Build
from tests.support.painter import landscape
from watermark.c2pa.pki import LABEL, make_development_pki
from watermark.c2pa.trust import TrustList, entry


def test_keys_survive_a_restart(settings: Settings) -> None:
    marked = signing.codec(settings).embed(landscape(1, 256, 256), 7)
    again = signing.codec(settings).extract(marked)
    assert again is not None
    assert again.mark_id == 7
    digest = signing.prompt_digester(settings)
    assert digest("a") == signing.prompt_digester(settings)("a") != digest("b")


def test_another_installation_has_other_keys(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"home": tmp_path / "other"})
    assert signing.codec(other).extract(signing.codec(settings).embed(landscape(1, 256, 256), 7)) is None
    assert signing.prompt_digester(other)("a") != signing.prompt_digester(settings)("a")


def test_the_development_pki_says_what_it_is(settings: Settings) -> None:
    signing.credentials(settings)
    path = settings.home / "keys" / "development-pki.pem"
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    for certificate in x509.load_pem_x509_certificates(path.read_bytes()):
        assert LABEL in certificate.subject.rfc4514_string()


def test_a_damaged_development_pki_is_named(settings: Settings) -> None:
    signing.credentials(settings)
    (settings.home / "keys" / "development-pki.pem").write_bytes(b"garbage")
    with pytest.raises(Misconfigured, match="remove it"):
        signing.credentials(settings)


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with an operator's certificates."""
    pki = make_development_pki()
    (tmp_path / "chain.pem").write_bytes(pki.chain)
    (tmp_path / "root.pem").write_bytes(pki.root)
    (tmp_path / "key.pem").write_bytes(pki.key)
    (tmp_path / "key.pem").chmod(0o600)
    return settings.model_copy(
        update={
            "signing_certificates": tmp_path / "chain.pem",
            "signing_key": tmp_path / "key.pem",
            "trust_anchors": tmp_path / "root.pem",
        }
    )


def test_an_operators_certificates_replace_the_development_pki(
    own: Settings, build: Build, installation: Installation
) -> None:
    from service.gateway.order import Order

    notary = signing.credentials(own)
    released = build(credentials=notary).release(Order(prompt="a lake", seed=1))
    credential = notary.read(released.data, released.mime)
    assert (credential.state, credential.trust_list) == ("trusted", "operator")


def test_an_operators_certificates_without_their_anchor_still_issue(own: Settings, build: Build) -> None:
    from service.gateway.order import Order

    notary = signing.credentials(own.model_copy(update={"trust_anchors": None}))
    released = build(credentials=notary).release(Order(prompt="a lake", seed=1))
    assert notary.read(released.data, released.mime).state == "valid_untrusted"


@pytest.mark.parametrize("broken", ["signing_certificates", "signing_key", "trust_anchors"])
@pytest.mark.parametrize("content", [None, b"garbage"])
def test_wrong_files_are_named(own: Settings, broken: str, content: bytes | None) -> None:
    path: Path = getattr(own, broken)
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(Misconfigured):
        signing.credentials(own)


def test_a_key_others_may_read_is_refused(own: Settings) -> None:
    assert own.signing_key is not None
    own.signing_key.chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod"):
        signing.credentials(own)


def test_another_chains_key_is_refused(own: Settings) -> None:
    assert own.signing_key is not None
    own.signing_key.write_bytes(make_development_pki().key)
    with pytest.raises(Misconfigured, match="does not match"):
        signing.credentials(own)


def test_named_trust_lists(settings: Settings, tmp_path: Path) -> None:
    from tests.assets import provenance

    (tmp_path / "lab.pem").write_bytes(provenance.lab().pem)
    lab = TrustList("lab", provenance.lab().pem, date=dt.date(2026, 8, 1))
    (tmp_path / "trust.toml").write_text(entry(lab, "lab.pem"))
    named = settings.model_copy(update={"trust_lists": tmp_path / "trust.toml"})
    read = signing.credentials(named).read(provenance.camera(), "image/jpeg")
    assert (read.state, read.trust_list) == ("trusted", "lab")
    (tmp_path / "trust.toml").write_text(entry(replace(lab, name="operator"), "lab.pem"))
    with pytest.raises(Misconfigured, match="may not be named operator"):
        signing.credentials(named)
    (tmp_path / "lab.pem").write_bytes(provenance.stranger().pem)
    with pytest.raises(Misconfigured, match="SHA-256"):
        signing.credentials(named)
