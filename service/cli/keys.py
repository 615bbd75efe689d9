"""countermark keys."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from service.installation import open_installation
from service.keys import claim_signer, development_pki, mark_keys, signing
from service.keys.claim_signer import SigningStatus
from service.kit import home
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest
from service.kit.settings import load_settings
from service.recovery import vault_rotation

app = typer.Typer(help="The installation's keys.", no_args_is_help=True)


@app.command("show")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show what signs and how long its certificate is valid, and how many watermark secrets there are."""
    settings = load_settings()
    signing_status = claim_signer.status(signing.credentials(settings), settings, utc_now())
    secrets = len(mark_keys.mark_secrets(settings))
    if as_json:
        told = {**asdict(signing_status), "not_after": stamp(signing_status.not_after)}
        print(json.dumps({"signing": {**told, "warning": signing_status.warning}, "watermark_secrets": secrets}))
        return
    _describe(signing_status)
    _print(f"watermark: {secrets} secrets")


@app.command("check")
def check() -> None:
    """Make a trial signature, as at the start of the service. Exit code 2 if it does not hold."""
    settings = load_settings()
    _describe(claim_signer.check(signing.credentials(settings), settings, utc_now()))
    _print("The trial signature verifies.")


@app.command("rotate-signing")
def rotate_signing(
    distrust_old: Annotated[
        bool,
        typer.Option("--distrust-old", help="Stop trusting what the old ones signed; for a key that was stolen."),
    ] = False,
) -> None:
    """Create new development certificates, used from the next start. Images signed before stay trusted.

    Certificates of your own are rotated by their files; see docs/signing.md.
    """
    settings = load_settings()
    if claim_signer.source_of(settings) != "development":
        raise BadRequest(
            "the signing certificates are your own",
            hint="Point the settings at the new ones, and keep the old root in COUNTERMARK_TRUST_ANCHORS.",
        )
    development_pki.rotate(home.prepare(settings.home), distrust_old=distrust_old)
    _print("Created new signing certificates. Restart running services to use them.")


@app.command("rotate")
def rotate(
    drop_oldest: Annotated[
        bool,
        typer.Option("--drop-oldest", help="Drop the oldest secret if the limit is reached."),
    ] = False,
) -> None:
    """Create a new watermark secret, used from the next start. Existing marks remain readable."""
    count = mark_keys.rotate(load_settings(), drop_oldest=drop_oldest)
    _print(f"Created a new secret; {count - 1} older ones still read their marks. Restart running services to use it.")


@app.command("rotate-vault")
def rotate_vault() -> None:
    """Create a new vault key and wrap the key of every sealed record with it, also while the service runs.

    Running services use it at once. The old key still opens what they stored meanwhile; `retire-vault` deletes it.
    """
    done = vault_rotation.rotate(open_installation(load_settings()))
    _tell(done)
    minutes = vault_rotation.GRACE.seconds // 60
    _print(f"The old key {done.old_key} can still be read. In {minutes} minutes: countermark keys retire-vault")


@app.command("retire-vault")
def retire_vault(
    stopped: Annotated[bool, typer.Option("--stopped", help="No service is running: do not wait.")] = False,
) -> None:
    """Delete the old vault key once nothing is sealed under it, 10 minutes after `rotate-vault` at the earliest.

    Backups from before contain the key that they need.
    """
    done = vault_rotation.retire(open_installation(load_settings()), stopped=stopped)
    _tell(done)
    _print(f"The old key {done.old_key} is deleted.")


def _tell(done: vault_rotation.Rotation) -> None:
    _print(f"The vault key {done.key} now wraps every record; {done.rewrapped} were wrapped anew.")
    if done.unreadable:
        _print(f"Warning: {done.unreadable} records were damaged before and open with neither key; the log names them.")


def _describe(status: SigningStatus) -> None:
    _print(f"signing: {status.source}, {status.algorithm}, {status.subject}")
    _print(f"issued by: {status.issuer}")
    _print(f"valid until: {stamp(status.not_after)} ({status.days_left} days)")
    _print(f"time-stamps: {status.timestamp_url or 'none'}")
    if status.warning:
        _print(f"Warning: {status.warning}")


def _print(line: str) -> None:
    Console(highlight=False).print(line, markup=False, soft_wrap=True)
