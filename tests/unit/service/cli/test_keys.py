from pathlib import Path

import pytest

from service.installation import Installation
from service.keys import mark_keys
from tests.support.commands import Run
from tests.support.takedowns import notice


def test_a_rotation_marks_with_a_new_secret_and_keeps_the_old(run: Run, installation: Installation) -> None:
    (before,) = mark_keys.mark_secrets(installation.settings)
    code, out, _ = run("keys", "rotate")
    newest, *older = mark_keys.mark_secrets(installation.settings)
    assert code == 0
    assert "1 older" in out
    assert (newest != before, older) == (True, [before])


def test_secrets_are_not_shown(run: Run, installation: Installation, tmp_path: Path) -> None:
    _, out, err = run("keys", "rotate")
    for secret in mark_keys.mark_secrets(installation.settings):
        assert secret.hex() not in out + err


def test_show_says_what_signs_and_until_when(run: Run) -> None:
    import json

    code, out, _ = run("keys", "show")
    assert code == 0
    assert "signing: development, es256" in out
    assert "(363 days)" in out or "(364 days)" in out
    told = json.loads(run("keys", "show", "--json")[1])
    assert (told["signing"]["source"], told["signing"]["warning"], told["watermark_secrets"]) == (
        "development",
        None,
        1,
    )


def test_check_makes_a_trial_signature(run: Run, installation: Installation) -> None:
    code, out, _ = run("keys", "check")
    assert (code, "The trial signature verifies." in out) == (0, True)
    (installation.settings.home / "keys" / "development-pki.pem").write_bytes(b"garbage")
    code, _, err = run("keys", "check")
    assert (code, "damaged" in err) == (2, True)


def test_new_development_certificates_leave_the_old_ones_trusted(run: Run, installation: Installation) -> None:
    from service.keys import signing
    from service.media.pictures import encode
    from tests.support.painter import landscape
    from tests.support.statements import STATEMENT

    data, mime = encode(landscape(1, 64, 64), "png")
    signed = installation.credentials.sign(data, mime, STATEMENT).data
    assert run("keys", "rotate-signing")[0] == 0
    now = signing.credentials(installation.settings)
    assert now.read(signed, mime).state == "trusted"
    assert now.read(now.sign(data, mime, STATEMENT).data, mime).state == "trusted"
    assert run("keys", "rotate-signing", "--distrust-old")[0] == 0
    assert signing.credentials(installation.settings).read(signed, mime).state == "valid_untrusted"


def test_own_certificates_are_rotated_by_their_files(
    run: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERMARK_SIGNING_PKCS12", "/x.p12")
    code, _, err = run("keys", "rotate-signing")
    assert code == 2
    assert "COUNTERMARK_TRUST_ANCHORS" in err


def test_a_new_vault_key_is_used_at_once_and_the_old_one_is_deleted_later(run: Run, installation: Installation) -> None:
    case = installation.takedowns.receive(notice()).case
    code, out, _ = run("keys", "rotate-vault")
    assert code == 0
    assert "1 were wrapped anew" in out
    assert "In 10 minutes: countermark keys retire-vault" in out
    code, _, err = run("keys", "retire-vault")
    assert (code, "--stopped" in err) == (2, True)
    code, out, _ = run("keys", "retire-vault", "--stopped")
    assert (code, "is deleted" in out) == (0, True)
    assert installation.takedowns.show(case)[1]["signature"] == "Jane Roe"
    secret = (installation.settings.home / "keys" / "vault.key").read_bytes()
    assert secret.hex() not in out


def test_damaged_records_are_told(run: Run, installation: Installation) -> None:
    installation.takedowns.receive(notice())
    (installation.settings.home / "keys" / "vault.key").write_bytes(bytes(32))
    _, out, _ = run("keys", "rotate-vault")
    assert "Warning: 1 records were damaged" in out
