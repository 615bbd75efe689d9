"""Keys on a device, really signed with: SoftHSM2 through PKCS#11."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.keys import pkcs11
from service.kit.clock import utc_now
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from tests.support import softhsm
from tests.support.certificates import Issued, authority, leaf

ALGORITHMS = ("es256", "es384", "ps256", "ed25519")


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory, root: Issued) -> Iterator[tuple[softhsm.Token, dict[str, Issued]]]:
    if why := softhsm.why_not():
        pytest.skip(why)
    made = softhsm.Token(tmp_path_factory.mktemp("hsm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(made.config))
        made.initialise()
        issued = {algorithm: leaf(root, algorithm) for algorithm in ALGORITHMS}
        for number, (algorithm, one) in enumerate(issued.items(), 1):
            made.add(one, algorithm, number)
        yield made, issued


@pytest.fixture
def own(settings: Settings, tmp_path: Path, token: tuple[softhsm.Token, dict[str, Issued]]) -> Any:
    def make(key: str, algorithm: str, pin: str = softhsm.PIN) -> Settings:
        (tmp_path / "pin").write_text(pin + "\n")
        (tmp_path / "pin").chmod(0o600)
        (tmp_path / "chain.pem").write_bytes(token[1][algorithm].pem)
        update = {
            "signing_certificates": tmp_path / "chain.pem",
            "signing_pkcs11_module": softhsm.LIBRARY,
            "signing_pkcs11_token": token[0].label,
            "signing_pkcs11_key": key,
            "signing_password_file": tmp_path / "pin",
            "signing_algorithm": algorithm,
        }
        return settings.model_copy(update=update)

    return make


@pytest.mark.parametrize(("key", "pin"), [("es256", "9999"), ("nothing", softhsm.PIN)])
def test_what_does_not_open_is_named_without_the_pin(own: Any, key: str, pin: str) -> None:
    """The wrong PIN comes first: a login holds for all of a process."""
    from service.keys import signing

    with pytest.raises(Misconfigured, match="cannot be opened") as refused:
        signing.credentials(own(key, "es256", pin))
    assert pin not in refused.value.message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_device_signs(own: Any, algorithm: str) -> None:
    from service.keys import claim_signer, signing

    settings = own(algorithm, algorithm)
    status = claim_signer.check(signing.credentials(settings), settings, utc_now())
    assert (status.source, status.algorithm) == ("pkcs11", algorithm)


def test_threads_share_the_session(own: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from service.keys import signing

    signer = signing.credentials(own("es256", "es256")).signer.signer
    with ThreadPoolExecutor(4) as pool:
        assert {len(one) for one in pool.map(signer.sign, [b"%d" % n for n in range(32)])} == {64}


def test_another_certificates_key_is_refused(own: Any) -> None:
    from service.keys import claim_signer, signing

    settings = own("es384", "es256")
    with pytest.raises(Misconfigured, match=r"no es256 signature|does not belong"):
        claim_signer.check(signing.credentials(settings), settings, utc_now())


def test_a_library_that_is_none(settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("pkcs11")
    at = pkcs11.Location(tmp_path / "none.so", "token", "key")
    with pytest.raises(Misconfigured, match="cannot be opened"):
        pkcs11.open_key(at, None, "es256")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(Misconfigured, match="python-pkcs11") as refused:
        pkcs11.open_key(pkcs11.Location(tmp_path, "token", "key"), None, "es256")
    assert "countermark[hsm]" in refused.value.hint
