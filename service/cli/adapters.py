"""countermark models add-adapter, adapters, audit-adapter, remove-adapter."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models import ModelError
from service.adapters.approval import Approval, TrainedOnNobody, TrainedOnSubject
from service.adapters.audit import PROMPT, audit
from service.adapters.registry import AdapterCard
from service.cli.files import printable
from service.generation.diffusers.loading import load_backend
from service.installation import Installation, open_installation
from service.kit import home
from service.kit.errors import BadRequest, Unavailable
from service.kit.settings import load_settings
from service.media.pictures import ImageLimits

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def add(
    file: Annotated[Path, typer.Argument(help="A safetensors file: a LoRA or a textual inversion.", metavar="FILE")],
    name: Annotated[str | None, typer.Option(help="Its name in orders; default: the file's.")] = None,
    subject: Annotated[str | None, typer.Option(help="The subject whose likeness it holds, with --grant.")] = None,
    grant: Annotated[str | None, typer.Option(help="The grant by which that subject allows its use.")] = None,
    no_identity: Annotated[
        bool, typer.Option("--no-identity", help="It holds nobody's likeness; needs --samples.")
    ] = False,
    samples: Annotated[
        list[Path] | None, typer.Option(help="Pictures it was trained on, or a folder of them; they are not kept.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put an adapter on the list of those that orders may name."""
    declared = _declared(subject, grant, no_identity, samples)
    settings = load_settings()
    home.prepare(settings.home)
    installation = open_installation(settings)
    approval = Approval(
        installation.adapters, installation.likeness, ImageLimits(settings.max_bytes, settings.max_pixels)
    )
    with Console(stderr=True).status("Looking at the adapter and its samples"):
        card = approval.approve(file, name or file.stem.lower(), declared)
    if as_json:
        print(json.dumps(_told(card)))
        return
    console = Console(stderr=True)
    console.print(f"{card.name} is on the list: {card.kind}, {_holds(card)}.", markup=False, soft_wrap=True)
    for hint in card.hints:
        console.print(printable(f"  Its metadata: {hint}"), markup=False, soft_wrap=True)


def show(as_json: Json = False) -> None:
    """List the adapters that orders may name."""
    cards = _installation().adapters.cards()
    if as_json:
        for card in cards:
            print(json.dumps(_told(card)))
        return
    table = Table("adapter", "kind", "holds", "digest")
    for card in cards:
        table.add_row(card.name, card.kind, _holds(card), card.digest[:16])
    Console().print(table)


def remove(name: Annotated[str, typer.Argument(help="The adapter's name.", metavar="NAME")]) -> None:
    """Take an adapter off the list, and delete its file and the faces of its samples."""
    _installation().adapters.remove(name)


def check(
    name: Annotated[str, typer.Argument(help="The adapter's name.", metavar="NAME")],
    pictures: Annotated[int, typer.Option(min=2, max=256, help="So many with it, and so many without.")] = 16,
    prompt: Annotated[str, typer.Option(help="What is drawn.")] = PROMPT,
    as_json: Json = False,
) -> None:
    """Draw pictures of a person with an adapter and without, and tell how alike their faces are. None is kept."""
    settings = load_settings()
    installation = open_installation(settings)
    console = Console(stderr=True)
    with console.status("Loading the model") as status:
        faces = installation.likeness.model
        try:
            backend = load_backend(settings)
        except ModelError as unusable:
            raise Unavailable(str(unusable)) from unusable
        told = audit(
            name,
            installation.adapters,
            backend,
            faces,
            pictures=pictures,
            prompt=prompt,
            on_picture=lambda done, total: status.update(f"Picture {done} of {total}"),
        )
    if as_json:
        print(told.model_dump_json())
        return
    for what, drawn in (("with it", told.with_adapter), ("without", told.without)):
        alike = "too few to compare" if drawn.same is None else f"{drawn.same:.0%} of pairs are one person"
        print(f"{what}: {drawn.faces} faces on {drawn.pictures} pictures, {alike}")
    if told.near_samples is not None:
        print(f"{told.near_samples:.0%} of its faces are somebody of its samples")


def _declared(
    subject: str | None, grant: str | None, no_identity: bool, samples: list[Path] | None
) -> TrainedOnSubject | TrainedOnNobody:
    """What is said of the adapter. Raises BadRequest unless it is exactly one thing."""
    if subject and grant and not (no_identity or samples):
        return TrainedOnSubject(subject, grant)
    if no_identity and samples and not (subject or grant):
        return TrainedOnNobody(samples)
    raise BadRequest(
        "an adapter holds somebody's likeness or nobody's",
        hint="Say --subject and --grant, or --no-identity and --samples.",
    )


def _holds(card: AdapterCard) -> str:
    if card.samples:
        return f"nobody's likeness ({card.samples.faces} faces on {card.samples.images} samples)"
    return f"the likeness of {card.subject} by {card.grant}"


def _told(card: AdapterCard) -> dict[str, object]:
    """The card without what is sealed."""
    return card.model_dump(mode="json", exclude={"samples": {"wrapped_key", "box"}})


def _installation() -> Installation:
    return open_installation(load_settings())
