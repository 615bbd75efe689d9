"""A report as one self-contained HTML page. It requests nothing, runs nothing, and every text in it is escaped."""

from collections.abc import Mapping

from markupsafe import Markup

from service.examiner.examiner import IllustratedReport
from service.examiner.report import Report
from service.presentation.messages import Language, messages
from service.presentation.report_view import view
from service.presentation.templates import environment, style

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Of a page by itself: nothing is fetched or run, whatever a file managed to put into its names."""


def page(
    report: Report,
    preview: bytes | None,
    thumbnails: Mapping[str, bytes],
    evidence: bytes | None = None,
    language: Language = "en",
    issued: bytes | None = None,
) -> str:
    """The page. `preview`: the image as a JPEG; `thumbnails`: JPEGs by their places in the manifest store; `evidence`:
    the image as a JPEG with the places coloured where a watermark remains; `issued`: the image that a watermark was
    moved from, as a JPEG."""
    return illustrated_page(IllustratedReport(report, preview, evidence, thumbnails, issued), language)


def illustrated_page(illustrated: IllustratedReport, language: Language = "en") -> str:
    """The page of a report that has its pictures."""
    words = messages(language)
    return (
        environment()
        .get_template("report_page.html")
        .render(
            report=view(illustrated, words),
            words=words,
            policy=POLICY,
            style=Markup(style()),  # noqa: S704 - our own file
        )
    )
