"""Every way to hold the signing key, and what is wrong with it, told before the first image."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.keys import claim_signer, signing
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from tests.support.certificates import Issued, authority, leaf

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


@pytest.fixture(scope="module")
def issuing(root: Issued) -> Issued:
    return authority("Test Issuing CA", root)


def private(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def with_files(settings: Settings, folder: Path, one: Issued, issuer: Issued, **more: Any) -> Settings:
    files = {
        "signing_certificates": private(folder / "chain.pem", one.pem + issuer.pem),
        "signing_key": private(folder / "key.pem", one.key_pem),
    }
    return settings.model_copy(update={**files, **more})


def check(settings: Settings) -> claim_signer.SigningStatus:
    return claim_signer.check(signing.credentials(settings), settings, NOW)


def test_the_development_pki(settings: Settings) -> None:
    status = check(settings)
    assert (status.source, status.algorithm, status.warning) == ("development", "es256", None)


@pytest.mark.parametrize("algorithm", ["es256", "es384", "ed25519", "ps256"])
def test_files(settings: Settings, tmp_path: Path, root: Issued, algorithm: Any) -> None:
    own = with_files(settings, tmp_path, leaf(root, algorithm), root, signing_algorithm=algorithm)
    assert check(own).source == "files"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"begins": -20, "ends": -1}, "expired on"),
        ({"begins": 2}, "not valid before"),
        ({"purposes": [ExtendedKeyUsageOID.SERVER_AUTH]}, "serverAuth"),
    ],
)
def test_a_certificate_that_must_not_sign_is_refused_before_anything_is_generated(
    settings: Settings, tmp_path: Path, root: Issued, wrong: dict[str, Any], says: str
) -> None:
    own = with_files(settings, tmp_path, leaf(root, **wrong), root)
    with pytest.raises(Misconfigured, match=says) as refused:
        check(own)
    assert "docs/signing.md" in refused.value.hint


def test_an_algorithm_that_the_key_is_not_for(settings: Settings, tmp_path: Path, root: Issued) -> None:
    own = with_files(settings, tmp_path, leaf(root, "ed25519"), root)
    with pytest.raises(Misconfigured, match="an Ed25519 key does not sign with es256"):
        signing.credentials(own)


@pytest.mark.parametrize(("ends", "says"), [(40, None), (29.5, "in 29 days"), (0.5, "in 0 days")])
def test_a_warning_from_thirty_days_before(
    settings: Settings, tmp_path: Path, root: Issued, ends: float, says: str | None
) -> None:
    warning = check(with_files(settings, tmp_path, leaf(root, ends=ends), root)).warning
    assert warning is None if says is None else says in str(warning)


def test_an_expired_certificate_still_reads(settings: Settings, tmp_path: Path, root: Issued) -> None:
    """Examining needs no key: only generating is refused."""
    own = with_files(settings, tmp_path, leaf(root, begins=-20, ends=-1), root)
    credentials = signing.credentials(own)
    assert "expired" in str(claim_signer.status(credentials, own, NOW).warning)


@pytest.fixture
def archive(settings: Settings, tmp_path: Path, root: Issued, issuing: Issued) -> Callable[..., Settings]:
    def make(password: bytes | None = b"a password", *, order: int = 1, given: bytes = b"a password\n") -> Settings:
        one = leaf(issuing)
        others = [issuing.certificate, root.certificate][::order]
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        assert isinstance(one.key, ec.EllipticCurvePrivateKey)
        data = pkcs12.serialize_key_and_certificates(b"signer", one.key, one.certificate, others, encryption)
        update: dict[str, Path] = {"signing_pkcs12": private(tmp_path / "signer.p12", data)}
        if password:
            update["signing_password_file"] = private(tmp_path / "password", given)
        return settings.model_copy(update=update)

    return make


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("password", [b"a password", None])
def test_pkcs12_in_any_order_without_its_root(
    archive: Callable[..., Settings], issuing: Issued, order: int, password: bytes | None
) -> None:
    own = archive(password, order=order)
    assert check(own).source == "pkcs12"
    _, issuer = signing.credentials(own).signer.signer.chain
    assert issuer == issuing.certificate.public_bytes(serialization.Encoding.DER)


def test_pkcs12_with_another_password(archive: Callable[..., Settings]) -> None:
    with pytest.raises(Misconfigured, match="the password is another") as refused:
        signing.credentials(archive(given=b"guess"))
    assert "guess" not in refused.value.message + refused.value.hint


def test_pkcs12_that_is_none(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"signing_pkcs12": private(tmp_path / "x.p12", b"garbage")})
    with pytest.raises(Misconfigured, match="not PKCS#12"):
        signing.credentials(own)


class Offered:
    """An installed package's entry point."""

    def __init__(self, maker: Callable[[], object]) -> None:
        self._maker = maker

    def load(self) -> Callable[[], object]:
        return self._maker


def test_a_plug_in_signs_for_a_key_elsewhere(
    settings: Settings, tmp_path: Path, root: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = leaf(root)
    own = settings.model_copy(
        update={"signing_certificates": private(tmp_path / "c.pem", one.pem), "signing_plugin": "kms"}
    )
    offered: list[Offered] = []
    monkeypatch.setattr(claim_signer, "entry_points", lambda group, name: offered)
    with pytest.raises(Misconfigured, match="0 installed packages offer the signer kms"):
        signing.credentials(own)

    def sign(data: bytes) -> bytes:
        assert isinstance(one.key, ec.EllipticCurvePrivateKey)
        return one.key.sign(data, ec.ECDSA(hashes.SHA256()))

    offered.append(Offered(lambda: sign))
    assert check(own).source == "plugin"

    def broken() -> object:
        raise PermissionError("no credentials")

    offered[:] = [Offered(broken)]
    with pytest.raises(Misconfigured, match="does not start"):
        signing.credentials(own)


def test_a_plug_in_with_another_key_is_refused(
    settings: Settings, tmp_path: Path, root: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = leaf(root), leaf(root)
    own = settings.model_copy(
        update={"signing_certificates": private(tmp_path / "c.pem", one.pem), "signing_plugin": "kms"}
    )

    def sign(data: bytes) -> bytes:
        assert isinstance(other.key, ec.EllipticCurvePrivateKey)
        return other.key.sign(data, ec.ECDSA(hashes.SHA256()))

    monkeypatch.setattr(claim_signer, "entry_points", lambda group, name: [Offered(lambda: sign)])
    with pytest.raises(Misconfigured, match="does not belong"):
        check(own)


def test_certificates_are_named_by_their_leaf(settings: Settings, tmp_path: Path, root: Issued) -> None:
    own = with_files(settings, tmp_path, leaf(root), root, timestamp_url="http://tsa.example/")
    status = check(own)
    assert x509.Name.from_rfc4514_string(status.subject).rfc4514_string() == "CN=Test Signer,O=Test"
    assert status.timestamp_url == "http://tsa.example/"
