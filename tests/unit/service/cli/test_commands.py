"""Commands are imported when they are asked for."""

import subprocess
import sys

import typer

from service.cli.app import app
from service.cli.commands import COMMANDS


def test_every_command_can_be_imported() -> None:
    commands = dict(typer.main.get_group(app).commands)
    assert list(commands) == list(COMMANDS)
    assert [command.name for command in commands.values()] == list(COMMANDS)
    assert all(command.get_short_help_str() for command in commands.values())


def test_the_version_imports_no_command() -> None:
    code = (
        "import sys; from service.cli.app import app\n"
        "try: app(['--version'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'sqlalchemy', 'cv2', 'service.installation') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_a_misspelt_command_is_named() -> None:
    told = subprocess.run([sys.executable, "-m", "service", "verfy"], capture_output=True, text=True, check=False)
    assert "Did you mean 'verify'?" in told.stderr
