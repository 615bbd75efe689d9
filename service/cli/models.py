"""countermark models."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models import Card, ModelError, ModelFolder, ModelMissing, export, find_card, hub
from service.cli import adapters, model_updates
from service.cli.model_pulls import Accept, confirm_licence, pull_shown
from service.gateway.assembly import open_folder_checker
from service.generation.diffusers.loading import require
from service.generation.diffusers.registration import check_pipeline, pipeline_card
from service.installation import open_installation
from service.keys import signing
from service.kit import home
from service.kit.errors import BadRequest, Unavailable
from service.kit.model_store import CARDS_FOLDER, check_new_name, known_cards, save_card
from service.kit.settings import Settings, load_settings
from service.likeness.comparison import PULLED

_UNUSABLE = "unusable"
HUB_FILES = ("*.json", "*.safetensors", "*.onnx", "README.md")

app = typer.Typer(help="The models of this installation.", no_args_is_help=True)
app.command("add-adapter")(adapters.add)
app.command("adapters")(adapters.show)
app.command("audit-adapter")(adapters.check)
app.command("remove-adapter")(adapters.remove)
app.command("update")(model_updates.update)


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List every model card and the state of its files; exit 7 if one is unusable."""
    cards = [(card, _state(card)) for card in known_cards(load_settings())]
    if as_json:
        for card, state in cards:
            print(json.dumps({**card.model_dump(mode="json"), "digest": card.digest, "state": state}))
    else:
        _show(cards)
    if any(state.startswith(_UNUSABLE) for _, state in cards):
        raise typer.Exit(Unavailable.exit_code)


def _show(cards: Sequence[tuple[Card, str]]) -> None:
    table = Table()
    for heading in ("model", "task", "state", "licence", "digest"):
        table.add_column(heading, overflow="fold")
    for card, state in cards:
        table.add_row(card.identity, card.task, state, card.licence, card.digest[:16])
    Console().print(table)


@app.command("pull")
def pull_model(
    name: Annotated[str, typer.Argument(help="A model from the list that is not shipped.")],
    accept_licence: Accept = False,
) -> None:
    """Download a model's files into the home folder and verify each of them."""
    settings = load_settings()
    home.prepare(settings.home)
    try:
        card = find_card(name, settings.home / CARDS_FOLDER)
        if not card.permissive:
            confirm_licence(card.identity, card.licence, accept_licence)
        card = pull_shown(card, settings)
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    Console(stderr=True).print(f"{card.identity} is ready. Licence: {card.licence}", markup=False, soft_wrap=True)
    if card.name == PULLED:
        _tell_outdated(settings)


@app.command("add-classifier")
def add_classifier(
    source: Annotated[str, typer.Argument(help="A model folder in hub format, or OWNER/NAME on the hub.")],
    name: Annotated[str, typer.Option(help="Name of the new card.")],
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub.")] = "main",
    onnx: Annotated[str | None, typer.Option(help="Use this ONNX file from the folder unchanged.")] = None,
    synthetic: Annotated[str | None, typer.Option(help="The label that means synthetic.")] = None,
    accept_licence: Accept = False,
) -> None:
    """Export an image classifier in hub format as a detector of this installation: one ONNX file and its card."""
    settings = load_settings()
    home.prepare(settings.home)
    target = settings.home / CARDS_FOLDER
    check_new_name(name, settings)
    try:
        with tempfile.TemporaryDirectory(dir=settings.home) as scratch:
            found = _source(source, revision, Path(scratch), settings)
            confirm_licence(source, found.licence, accept_licence)
            with Console(stderr=True).status("Exporting"):
                card = export(found, name, target, onnx_file=onnx, synthetic=synthetic)
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    Console(stderr=True).print(
        f"{card.identity} is in {target}. Its scores are reported from now on; they count once `countermark "
        "benchmark --thresholds` has measured it.",
        markup=False,
        soft_wrap=True,
    )


@app.command("add-pipeline")
def add_pipeline(
    folder: Annotated[Path, typer.Argument(help="A diffusers folder; it stays where it is.", metavar="DIR")],
    name: Annotated[str | None, typer.Option(help="Name of the card; default: the folder's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as one JSON object.")] = False,
) -> None:
    """Check a pipeline folder and create its card. It then only loads if its files are unchanged."""
    settings = load_settings()
    home.prepare(settings.home)
    name = name or folder.resolve().name.lower()
    check_new_name(name, settings)
    with Console(stderr=True).status("Checking"):
        require()
        checked = check_pipeline(folder)
        open_folder_checker(settings, folder)
        card = pipeline_card(folder, name, checked)
    path = save_card(card, settings)
    if as_json:
        print(json.dumps({**card.model_dump(mode="json"), "digest": card.digest}))
        return
    console = Console(stderr=True)
    console.print(f"{card.identity}: {checked.summary} Licence: {card.licence}", markup=False, soft_wrap=True)
    console.print(f"The card is {path}. To use it, set COUNTERMARK_PIPELINE={name}.", markup=False, soft_wrap=True)


def _tell_outdated(settings: Settings) -> None:
    """Tell who was enrolled with another face model than the one that is used from now on."""
    if not signing.exist(settings.home):  # nobody can be enrolled yet, and pulling a model makes no installation
        return
    installation = open_installation(settings)
    try:
        outdated = len(installation.likeness.outdated())
    finally:
        installation.close()
    if outdated:
        Console(stderr=True).print(
            f"People enrolled with another face model: {outdated}. No image passes until they are enrolled again: "
            "`countermark consent outdated` lists them, `consent re-enrol` does it. To go on with dlib meanwhile, set "
            "COUNTERMARK_FACE_MODEL=dlib.",
            markup=False,
            soft_wrap=True,
        )


def _source(name: str, revision: str, scratch: Path, settings: Settings) -> ModelFolder:
    if Path(name).is_dir():
        return ModelFolder(Path(name), Path(name).name)
    if not settings.allow_hub:
        raise BadRequest(
            f"{name} is not a local folder", hint="Set COUNTERMARK_ALLOW_HUB=true to download it from the hub."
        )
    folder = hub.download(name, revision, HUB_FILES, scratch)
    return ModelFolder(folder, f"{name}@{hub.commit_of(folder)}")


def _state(card: Card) -> str:
    try:
        card.verified_root()
    except ModelMissing as missing:
        return f"not downloaded: {missing}"
    except ModelError as fault:
        return f"{_UNUSABLE}: {fault}"
    return "ready"
