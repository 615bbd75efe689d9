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
from service.cli.text import printable
from service.generation.loading import load_backend
from service.installation import Installation, open_installation
from service.kit import home
from service.kit.errors import BadRequest, Unavailable
from service.kit.settings import load_settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def add(
    file: Annotated[Path, typer.Argument(help="A safetensors file: a LoRA or a textual inversion.", metavar="FILE")],
    name: Annotated[str | None, typer.Option(help="Name in orders; default: the file's name.")] = None,
    subject: Annotated[str | None, typer.Option(help="The subject whose likeness it reproduces, with --grant.")] = None,
    grant: Annotated[str | None, typer.Option(help="The grant in which that subject permits its use.")] = None,
    no_identity: Annotated[
        bool, typer.Option("--no-identity", help="It reproduces nobody's likeness; needs --samples.")
    ] = False,
    samples: Annotated[
        list[Path] | None, typer.Option(help="Images it was trained on, or a folder of them; they are not kept.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add an adapter to the list that orders can use."""
    declared = _declared(subject, grant, no_identity, samples)
    settings = load_settings()
    home.prepare(settings.home)
    installation = open_installation(settings)
    approval = Approval(installation.adapters, installation.likeness, installation.limits)
    with Console(stderr=True).status("Checking the adapter and its samples"):
        card = approval.approve(file, name or file.stem.lower(), declared)
    if as_json:
        print(json.dumps(_public(card)))
        return
    console = Console(stderr=True)
    console.print(f"Added {card.name}: {card.kind}, {_likeness(card)}.", markup=False, soft_wrap=True)
    for hint in card.hints:
        console.print(printable(f"  From its metadata: {hint}"), markup=False, soft_wrap=True)


def show(as_json: Json = False) -> None:
    """List the adapters that orders can use."""
    cards = _installation().adapters.cards()
    if as_json:
        for card in cards:
            print(json.dumps(_public(card)))
        return
    table = Table("adapter", "kind", "likeness", "digest")
    for card in cards:
        table.add_row(card.name, card.kind, _likeness(card), card.digest[:16])
    Console().print(table)


def remove(name: Annotated[str, typer.Argument(help="The adapter's name.", metavar="NAME")]) -> None:
    """Remove an adapter from the list, and delete its file and the faces of its samples."""
    _installation().adapters.remove(name)


def check(
    name: Annotated[str, typer.Argument(help="The adapter's name.", metavar="NAME")],
    images: Annotated[int, typer.Option(min=2, max=256, help="Number of images, with and without it each.")] = 16,
    prompt: Annotated[str, typer.Option(help="The prompt.")] = PROMPT,
    as_json: Json = False,
) -> None:
    """Generate images of a person with and without an adapter, and compare their faces. No image is kept."""
    settings = load_settings()
    installation = open_installation(settings)
    console = Console(stderr=True)
    with console.status("Loading the model") as status:
        faces = installation.likeness.model
        try:
            backend = load_backend(settings)
        except ModelError as unusable:
            raise Unavailable(str(unusable)) from unusable
        result = audit(
            name,
            installation.adapters,
            backend,
            faces,
            pictures=images,
            prompt=prompt,
            on_picture=lambda done, total: status.update(f"Image {done} of {total}"),
        )
    if as_json:
        print(result.model_dump_json())
        return
    for what, sample in (("with the adapter", result.with_adapter), ("without it", result.without)):
        same = "too few to compare" if sample.same is None else f"{sample.same:.0%} of pairs show the same person"
        print(f"{what}: {sample.faces} faces in {sample.pictures} images, {same}")
    if result.near_samples is not None:
        print(f"{result.near_samples:.0%} of its faces match somebody in its samples")


def _declared(
    subject: str | None, grant: str | None, no_identity: bool, samples: list[Path] | None
) -> TrainedOnSubject | TrainedOnNobody:
    """The declaration about the adapter. Raises BadRequest unless it is exactly one of the two."""
    if subject and grant and not (no_identity or samples):
        return TrainedOnSubject(subject, grant)
    if no_identity and samples and not (subject or grant):
        return TrainedOnNobody(samples)
    raise BadRequest(
        "declare whose likeness the adapter reproduces: somebody's or nobody's",
        hint="Use --subject with --grant, or --no-identity with --samples.",
    )


def _likeness(card: AdapterCard) -> str:
    if card.samples:
        return f"nobody's likeness ({card.samples.faces} faces in {card.samples.images} samples)"
    return f"the likeness of {card.subject} under {card.grant}"


def _public(card: AdapterCard) -> dict[str, object]:
    """The card without its sealed fields."""
    return card.model_dump(mode="json", exclude={"samples": {"wrapped_key", "box"}})


def _installation() -> Installation:
    return open_installation(load_settings())
