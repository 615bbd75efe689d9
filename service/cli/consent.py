"""countermark consent."""

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models import ModelError
from service.access.pin_attempts import ATTACKED
from service.cli import files
from service.cli.text import label, printable
from service.installation import Installation, open_installation
from service.kit.clock import stamp
from service.kit.errors import BadRequest, NoFace, NotFound, Unavailable
from service.kit.settings import load_settings
from service.likeness import enrolment
from service.likeness.comparison import open_model
from service.likeness.schemas import SCOPES, Grant
from service.media.pictures import decode

_INVALID = 3

app = typer.Typer(help="Enrolled people and the consent they grant for their likeness.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The subject's number.", metavar="SUBJECT")]
GrantNumber = Annotated[str, typer.Argument(help="The grant's number.", metavar="GRANT")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


@app.command("enrol")
def enrol(
    photos: Annotated[list[str], typer.Argument(help="Photos of this person alone; use three or more.")],
    name: Annotated[str, typer.Option(help="The person's name; stored encrypted.")],
    protect: Annotated[bool, typer.Option(help="Refuse images that show this face without a grant.")] = True,
    retain_days: Annotated[
        int | None, typer.Option(min=1, max=36500, help="Days until `purge` erases the person.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Enrol a person from photos. Face templates are stored encrypted; photos are not kept. The PIN is shown once."""
    settings = load_settings()
    data = [files.read(photo, settings.max_bytes) for photo in photos]
    with Console(stderr=True).status("Checking the photos"):
        installation = open_installation(settings)
        done = enrolment.enrol(
            installation.consent,
            open_model(settings),
            installation.limits,
            name,
            data,
            protected=protect,
            retain=dt.timedelta(days=retain_days) if retain_days else None,
        )
    if as_json:
        print(done.model_dump_json())
    else:
        console = Console(highlight=False)
        console.print(f"Subject {done.subject}, {done.templates} templates. Give the person this PIN: {done.pin}")


@app.command("outdated")
def outdated() -> None:
    """List the protected people who were enrolled with another face model: exit 1 if there are any.

    Until they are enrolled again, no image passes.
    """
    with Console(stderr=True).status("Loading the face model"):
        numbers = _installation().likeness.outdated()
    for number in numbers:
        print(number)
    if numbers:
        raise typer.Exit(1)


@app.command("re-enrol")
def re_enrol(
    number: Number,
    photos: Annotated[list[str], typer.Argument(help="Photos of this person alone; use three or more.")],
    keep_others: Annotated[
        bool, typer.Option("--keep-others", help="Keep the templates of other face models, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give an enrolled person new face templates by the current face model. Number, PIN and grants stay."""
    settings = load_settings()
    data = [files.read(photo, settings.max_bytes) for photo in photos]
    with Console(stderr=True).status("Checking the photos"):
        installation = open_installation(settings)
        model = open_model(settings)
        count = enrolment.re_enrol(
            installation.consent, model, installation.limits, number, data, keep_others=keep_others
        )
    told = {"subject": number, "templates": count, "model": model.identity}
    print(json.dumps(told) if as_json else f"{number}: {count} new templates by {model.identity}")


@app.command("list")
def list_subjects(as_json: Json = False) -> None:
    """List subjects by number, without names."""
    subjects = _installation().consent.subjects.everybody()
    if as_json:
        for subject in subjects:
            print(json.dumps(asdict(subject)))
        return
    table = Table("subject", "enrolled", "protected", "retained until", "erased")
    for one in subjects:
        table.add_row(one.id, one.created_at, "yes" if one.protected else "no", one.retain_until, one.erased_at)
    Console().print(table)


@app.command("show")
def show(number: Number, as_json: Json = False) -> None:
    """Show a subject's name, grants, and the images made under them. The output is confidential."""
    consent = _installation().consent
    name, grants, uses = consent.subjects.name(number), consent.grants.grants_of(number), consent.grants.uses_of(number)
    if as_json:
        subject = {"subject": number, "name": name, "grants": [g.model_dump() for g in grants]}
        print(json.dumps({**subject, "uses": [use.model_dump() for use in uses]}))
        return
    console = Console(highlight=False)
    console.print(Text(printable(f"{number}  {name}")), soft_wrap=True)
    for grant in grants:
        _print_line(console, grant)
    for use in uses:
        withdrawn = f", withdrawn {use.withdrawn_at}" if use.withdrawn_at else ""
        console.print(f"  {use.content_id} made {use.at} under {use.grant}{withdrawn}", soft_wrap=True)


@app.command("grant")
def grant(
    number: Number,
    purpose: Annotated[str, typer.Option(help="The purpose, in words.")],
    scope: Annotated[list[str], typer.Option(help=f"One or more of: {', '.join(SCOPES)}.")],
    days: Annotated[int, typer.Option(min=1, max=1830, help="Days until it expires.")],
    grantee: Annotated[str | None, typer.Option(help="Who may use it; default: this installation.")] = None,
    as_json: Json = False,
) -> None:
    """Record a subject's consent and print the signed receipt."""
    settings = load_settings()
    if unknown := [one for one in scope if one not in SCOPES]:
        raise BadRequest(f"unknown scope {unknown[0]}", hint=f"Choose from {', '.join(SCOPES)}.")
    known = [one for one in SCOPES if one in scope]
    consent = open_installation(settings).consent
    made = consent.grants.give(number, purpose, known, grantee or settings.grantee, dt.timedelta(days=days))
    _print(made, as_json)


@app.command("revoke")
def revoke(number: GrantNumber, as_json: Json = False) -> None:
    """End a grant now. Images being generated under it are not released."""
    _print(_installation().consent.grants.revoke(number), as_json)


@app.command("receipt")
def receipt(number: GrantNumber, as_json: Json = False) -> None:
    """Show a grant, its state, and its receipt."""
    _print(_installation().consent.grants.of(number), as_json)


@app.command("verify")
def verify(
    path: Annotated[str, typer.Argument(help="File with a receipt; - reads standard input.")], as_json: Json = False
) -> None:
    """Verify a receipt: exit 0 if it was signed here and is live, 1 if it has ended, 3 if it was not signed here."""
    settings = load_settings()
    consent = open_installation(settings).consent
    claims = consent.grants.signer.verify(files.read(path, settings.max_bytes).decode(errors="replace").strip())
    if claims is None:
        Console(stderr=True).print("This receipt was not signed by this installation, or it was changed.")
        raise typer.Exit(_INVALID)
    found = consent.grants.of(str(claims["jti"]))
    _print(found, as_json)
    if found.state != "live":
        raise typer.Exit(NotFound.exit_code)


@app.command("withdraw")
def withdraw(number: Number, content_id: Annotated[str, typer.Argument(help="The image's content id.")]) -> None:
    """Block an image that was made under the subject's grants, and images that look like it."""
    _installation().consent.grants.withdraw(number, content_id)
    Console(stderr=True).print(f"{content_id} is blocked.", markup=False, soft_wrap=True)


@app.command("check")
def check(
    picture: Annotated[str, typer.Argument(help="An image; - reads standard input.")],
    subject: Annotated[list[str], typer.Option(help="A subject whose face it may show; repeatable.")],
) -> None:
    """Check that every face in an image is one of the subjects': exit 0 if so, 1 if not, 5 if it has no face."""
    settings = load_settings()
    data = files.read(picture, settings.max_bytes)
    installation = open_installation(settings)
    rgb = decode(data, installation.limits).rgb
    try:
        count, uncovered = installation.likeness.uncovered(rgb, subject)
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    if not count:
        raise NoFace(f"no face found in {label(picture)}")
    for face in uncovered:
        left, top, right, bottom = face.box
        print(f"{label(picture)}: the face at {left},{top} to {right},{bottom} px matches none of the subjects")
    if uncovered:
        raise typer.Exit(1)


@app.command("renew-pin")
def renew_pin(number: Number, as_json: Json = False) -> None:
    """Give a subject a new PIN, shown once. The old one stops working."""
    renewed = _installation().consent.subjects.renew_pin(number)
    print(renewed.model_dump_json() if as_json else f"{renewed.subject}  PIN {renewed.pin}")


@app.command("pin-failures")
def pin_failures(
    least: Annotated[int, typer.Option(min=1, help="Show numbers with at least so many.")] = ATTACKED,
    as_json: Json = False,
) -> None:
    """List the subjects and cases whose PIN somebody tried to guess in the last day. Revoking works all the same."""
    for one in _installation().pins.attacked(least):
        told = {"number": one.number, "failures": one.failures, "last_at": stamp(one.last_at)}
        print(
            json.dumps(told) if as_json else f"{one.number}  {one.failures} wrong PINs, the last at {told['last_at']}"
        )


@app.command("erase")
def erase(
    number: Number, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False
) -> None:
    """Erase a subject's name and templates and end every grant. This cannot be undone."""
    if not yes and not typer.confirm(f"Erase {number} for good?", err=True):
        raise BadRequest("nothing was erased: not confirmed", hint="Confirm, or use --yes.")
    _installation().consent.subjects.erase(number)
    Console(stderr=True).print(f"{number} is erased.")


@app.command("purge")
def purge() -> None:
    """Erase every subject whose retention period is over. Run it daily."""
    for number in _installation().consent.subjects.purge():
        print(number)


@app.command("export")
def export(
    path: Annotated[Path, typer.Argument(help="A new file.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write every subject with name and face templates to a file. It is unencrypted biometric data: protect it."""
    files.check_target(str(path), force)
    text = _installation().consent.transfer.export()
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="A file written by `export`.")], as_json: Json = False) -> None:
    """Import another installation's subjects, with new numbers and PINs. Grants are not imported."""
    settings = load_settings()
    for one in _installation().consent.transfer.import_(
        files.read(str(path), settings.max_bytes).decode(errors="replace")
    ):
        print(one.model_dump_json() if as_json else f"{one.subject}  PIN {one.pin}")


def _installation() -> Installation:
    return open_installation(load_settings())


def _print(grant_: Grant, as_json: bool) -> None:
    if as_json:
        print(grant_.model_dump_json())
        return
    console = Console(highlight=False)
    _print_line(console, grant_)
    console.print(grant_.receipt, soft_wrap=True, markup=False)


def _print_line(console: Console, one: Grant) -> None:
    line = f"{one.id}  {one.state}  {' '.join(one.scopes)} for {one.grantee} until {one.expires_at}: {one.purpose}"
    console.print(Text(printable(line)), soft_wrap=True)
