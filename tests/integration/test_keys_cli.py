"""countermark keys, as it is typed."""

import pytest

from service.keys import mark_keys
from service.kit.settings import PREFIX, load_settings
from tests.support.commands import Run, runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys, 200)


def test_rotate_keeps_old_secrets_and_never_shows_one(run: Run) -> None:
    code, out, err = run("keys", "rotate")
    assert (code, err) == (0, "")
    assert "1 older ones still read their marks" in out
    for secret in mark_keys.mark_secrets(load_settings()):
        assert secret.hex() not in out


def test_rotate_refuses_to_lose_a_secret(run: Run) -> None:
    for _ in range(3):
        assert run("keys", "rotate")[0] == 0
    code, _, err = run("keys", "rotate")
    assert code == 2
    assert "--drop-oldest" in err
    assert run("keys", "rotate", "--drop-oldest")[0] == 0


def test_an_operators_own_secret_is_not_rotated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "WATERMARK_SECRET", "a secret of the operator")
    code, _, err = run("keys", "rotate")
    assert code == 2
    assert "COUNTERMARK_WATERMARK_SECRETS_FILE" in err
