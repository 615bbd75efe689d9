"""countermark backup, countermark restore."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from service.installation import open_installation
from service.kit import home
from service.kit.errors import BadRequest
from service.kit.settings import load_settings
from service.recovery.backup import back_up, summary
from service.recovery.restore import Restored
from service.recovery.restore import restore as restore_backup

PassphraseFile = Annotated[
    Path | None, typer.Option(help="File with the passphrase in its first line; readable by its owner only.")
]
Ask = Annotated[bool, typer.Option("--passphrase", help="Ask for the passphrase.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, mode 0600.", metavar="FILE")],
    passphrase_file: PassphraseFile = None,
    passphrase: Ask = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Save ledger and keys into one file, also while the server runs. It is read again and verified before it counts.

    Without a passphrase the file is not encrypted, and it holds the keys: keep it as safe as them.
    """
    secret = _passphrase(passphrase_file, passphrase, confirm=True)
    installation = open_installation(load_settings())
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Copying the ledger", total=None)
        made = back_up(
            installation,
            file,
            passphrase=secret,
            force=force,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps({"file": str(file), "encrypted": secret is not None, **summary(made)}))
        return
    kind = "Encrypted backup" if secret else "Backup, not encrypted,"
    _say(f"{kind} of {made.decisions} decisions and {made.images} images: {file}")
    _say(f"head {made.head}")
    for name in made.elsewhere:
        _say(f"Not in the backup: what {name} names. Keep it apart.")


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.", metavar="FILE")],
    passphrase_file: PassphraseFile = None,
    passphrase: Ask = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what is there. Files are kept in the home, in `replaced-...`.")
    ] = False,
    deletions: Annotated[
        Path | None, typer.Option(help="List of deletions to apply again, from `countermark ledger deletions`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into COUNTERMARK_HOME and its database. It is verified first. Stop the server before.

    Exit code 1: it is restored, but some deletions could not be applied again; they are listed.
    """
    secret = _passphrase(passphrase_file, passphrase, confirm=False)
    with Console(stderr=True).status("Verifying and restoring"):
        done = restore_backup(load_settings(), file, passphrase=secret, replace=replace, deletion_list=deletions)
    left = [each for each in done.applied if each.outcome == "open"]
    if as_json:
        fields = {"decisions": done.decisions, "head": done.head, "kept": str(done.kept) if done.kept else None}
        applied = [asdict(each) for each in done.applied]
        print(json.dumps({**fields, "backup": summary(done.manifest), "deletions": applied}))
    else:
        _report(done)
    if left:
        raise typer.Exit(1)


def _report(done: Restored) -> None:
    made = done.manifest
    _say(f"Restored {made.decisions} decisions and {made.images} images, as of {made.created_at}.")
    _say(f"head {done.head}")
    for each in done.applied:
        reason = f" ({each.reason})" if each.reason else ""
        _say(f"Deleted since: {each.deletion.action} {each.deletion.subject}: {each.outcome}{reason}")
    if done.kept:
        _say(f"What was replaced is in {done.kept}. It holds keys and what was deleted since: delete it when done.")
    if not done.applied:
        _say("No deletions after the backup are known. If there were any, apply them again: see docs/backup.md.")


def _passphrase(file: Path | None, ask: bool, *, confirm: bool) -> bytes | None:
    """Raises BadRequest where both are given, Misconfigured for a file that others can read."""
    if file and ask:
        raise BadRequest("--passphrase and --passphrase-file exclude each other", hint="Use one of them.")
    if file:
        return (home.read_private(file).splitlines() or [b""])[0]
    if not ask:
        return None
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)).encode()


def _say(text: str) -> None:
    Console(highlight=False).print(text, markup=False, soft_wrap=True)
