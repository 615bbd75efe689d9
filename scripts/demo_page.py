"""The page of the demo: the four files as a story, each with its verdict and a link to its whole report."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from service.examiner.examiner import IllustratedReport
from service.examiner.policy import EXIT_CODES
from service.examiner.report import Report
from service.presentation.messages import messages
from service.presentation.report_page import illustrated_page
from service.presentation.report_view import ReportView, data_url, view
from service.presentation.templates import environment, style

CHANGED_PIXEL = (150, 48)
"""Column and row."""
_POLICY = "default-src 'none'; img-src 'self' data: file:; style-src 'unsafe-inline'"
_AROUND, _ENLARGED = 4, 12  # pixels to each side in the close-up, and its scale
_STRONGER = 64  # how much the changed pixel differs in the close-up


@dataclass(frozen=True)
class Scene:
    """One file of the story. `pixel`: column and row of what was changed; `zoom`: close-ups with their captions."""

    file: str
    title: str
    what: str
    story: str
    report: ReportView
    page: str
    exit_code: int
    pixel: tuple[int, int] | None = None
    zoom: tuple[tuple[str, str], ...] = ()


STORIES: Mapping[str, tuple[str, str, str]] = {
    "issued.png": (
        "The picture as it left",
        "The image as it was issued",
        "The signature is intact, the watermark is there, and the log has this very file. Three witnesses agree.",
    ),
    "stripped.jpg": (
        "A stranger posts it",
        "The image at half its size",
        "The metadata is gone, half the size is gone, and JPEG took its share. The watermark survived, and led back to "
        "the credential that the file has lost.",
    ),
    "changed.png": (
        "Somebody changes one pixel",
        "The image with one changed pixel in a ring",
        "The ring shows it: one step darker or lighter out of 256. Nobody sees that. The signature does.",
    ),
    "elsewhere.png": (
        "A picture from somewhere else",
        "A Mandelbrot set",
        "It carries nothing, and nothing like it was issued here. What is left is an estimate from the pixels, and it "
        "is shown as one. Nobody is accused on a guess.",
    ),
}


def write_page(out: Path, prompt: str, reports: list[Report]) -> None:
    """Write index.html and a page for each report (of the files in STORIES, in `out`)."""
    scenes = [_scene(out, report) for report in reports]
    page = (
        environment()
        .from_string(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
        .render(
            prompt=prompt,
            words=messages("en"),
            policy=_POLICY,
            scenes=scenes,
            size=_rgb(out / "changed.png").size,
            home=os.environ["COUNTERMARK_HOME"],
            style=Markup(style()),  # noqa: S704 - our own file
        )
    )
    (out / "index.html").write_text(page, encoding="utf-8")


def _scene(out: Path, report: Report) -> Scene:
    name = Path(report.file).name
    illustrated = IllustratedReport(report, _jpeg(out / name), None, {})
    page = f"report-{Path(name).stem}.html"
    (out / page).write_text(illustrated_page(illustrated), encoding="utf-8")
    changed = name == "changed.png"
    return Scene(
        name,
        *STORIES[name],
        report=view(illustrated, messages("en")),
        page=page,
        exit_code=EXIT_CODES[report.outcome],
        pixel=CHANGED_PIXEL if changed else None,
        zoom=_close_ups(out) if changed else (),
    )


def _close_ups(out: Path) -> tuple[tuple[str, str], ...]:
    """The changed pixel and those around it, as they are, and with the difference made visible."""
    image = _rgb(out / "changed.png")
    column, row = CHANGED_PIXEL
    box = (column - _AROUND, row - _AROUND, column + _AROUND + 1, row + _AROUND + 1)
    shown = image.crop(box)
    stronger = shown.copy()
    red, green, blue = (_apart(value) for value in stronger.getpixel((_AROUND, _AROUND)))  # type: ignore[union-attr]
    stronger.putpixel((_AROUND, _AROUND), (red, green, blue))
    return ((_png(shown), "Close up: can you see it?"), (_png(stronger), "The same, the change 64 times as strong"))


def _apart(value: int) -> int:
    return value - _STRONGER if value >= _STRONGER else value + _STRONGER


def _png(image: Image.Image) -> str:
    encoded = io.BytesIO()
    image.resize((image.width * _ENLARGED, image.height * _ENLARGED), Image.Resampling.NEAREST).save(encoded, "PNG")
    return data_url("image/png", encoded.getvalue())


def _jpeg(path: Path) -> bytes:
    encoded = io.BytesIO()
    _rgb(path).save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def _rgb(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
