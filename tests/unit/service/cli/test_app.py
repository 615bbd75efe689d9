import pytest

from service import __version__
from service.cli import app as module
from service.cli import audit
from service.kit.errors import Error, Unavailable, Unsafe
from tests.support.commands import Run


def test_the_version(run: Run) -> None:
    assert run("--version") == (0, f"countermark {__version__}\n", "")


def test_an_error_becomes_a_message_a_hint_and_its_exit_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: object) -> None:
        raise Unavailable("the disk \x1b[31mis full", hint="Make room.")

    monkeypatch.setattr(audit, "open_installation", broken)
    code, out, err = run("audit", "verify")
    assert (code, out) == (Unavailable.exit_code, "")
    assert err == "countermark: the disk \ufffd[31mis full (unavailable)\n  Make room.\n"


def test_a_bug_is_not_taken_for_an_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: object) -> None:
        raise KeyError("secret words")

    monkeypatch.setattr(audit, "open_installation", broken)
    code, _, err = run("audit", "verify")
    assert code == Error.exit_code == 70
    assert "KeyError" in err
    assert "secret words" not in err


def test_what_can_be_appealed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    refusal = Unsafe("it is unsafe", stage="screen")
    refusal.content_id = "urn:uuid:1"
    module.print_error(refusal)
    assert "urn:uuid:1" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["verify"], ["models", "pull"]])
def test_a_short_name_for_help(run: Run, words: list[str]) -> None:
    code, out, _ = run(*words, "-h")
    assert code == 0
    assert "Usage: countermark" in out


def test_no_command_is_usage(run: Run) -> None:
    assert run("nonsense")[0] == 2
