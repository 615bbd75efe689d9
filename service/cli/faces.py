"""countermark faces."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from service.cli import files
from service.cli.text import label, printable
from service.kit.errors import NoFace, NotFound
from service.kit.settings import load_settings
from service.likeness.comparison import Comparison, FoundFaces, open_face_comparer

_DIFFERENT = 1

Picture = Annotated[str, typer.Argument(help="An image; - reads standard input.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

app = typer.Typer(
    help="Find and compare faces (needs `countermark models pull faces`; see docs/consent.md).",
    no_args_is_help=True,
)


@app.command("compare")
def compare_faces(a: Picture, b: Picture, as_json: Json = False) -> None:
    """Check whether two images show the same person: exit 0 if so, 1 if not, 5 if unreadable or without a face.

    If an image has several faces, the closest pair counts. Nothing is stored.
    """
    settings = load_settings()
    first, second = (files.read(name, settings.max_bytes) for name in (a, b))
    with Console(stderr=True).status("Loading the face model"):
        faces = open_face_comparer(settings)
    found = faces.compare(first, second)
    if as_json:
        print(found.model_dump_json())
    for name, count in zip((a, b), found.faces, strict=True):
        if not count:
            raise NoFace(f"no face found in {label(name)}")
    if not as_json:
        _show_comparison(found)
    if not found.same:
        raise typer.Exit(_DIFFERENT)


@app.command("find")
def find_faces(picture: Picture, as_json: Json = False) -> None:
    """List the faces in an image, largest first: exit 0 if there is one, 1 if there is none."""
    settings = load_settings()
    data = files.read(picture, settings.max_bytes)
    with Console(stderr=True).status("Loading the face model"):
        faces = open_face_comparer(settings)
    found = faces.find(data, label(picture))
    if as_json:
        print(found.model_dump_json())
    else:
        _show_faces(found)
    if not found.faces:
        raise typer.Exit(NotFound.exit_code)


def _show_comparison(found: Comparison) -> None:
    verdict = ("same", "bold green") if found.same else ("not the same", "bold yellow")
    text = Text("").append(*verdict).append(f"  distance {found.distance:.2f}, threshold {found.threshold:.2f}")
    console = Console(highlight=False)
    console.print(text, soft_wrap=True)
    if found.faces != (1, 1):
        console.print(f"  {found.faces[0]} and {found.faces[1]} faces; the closest pair counts.", soft_wrap=True)


def _show_faces(found: FoundFaces) -> None:
    console = Console(highlight=False)
    count = len(found.faces)
    console.print(
        f"{printable(found.file)}: {count or 'no'} face{'' if count == 1 else 's'}", markup=False, soft_wrap=True
    )
    for face in found.faces:
        left, top, right, bottom = face.box
        console.print(f"  {left},{top} to {right},{bottom} px, size {face.size} px, score {face.score:.2f}")
