from pathlib import Path

from service.installation import Installation
from service.keys import mark_keys
from tests.support.commands import Run


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
