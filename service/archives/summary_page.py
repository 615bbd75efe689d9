"""A summary as one self-contained page with charts. It requests nothing, runs nothing, and every text is escaped."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from service.archives.summary import COUNTED, Summary
from service.presentation.messages import Language, messages
from service.presentation.report_page import POLICY
from service.presentation.report_view import TONES
from service.presentation.templates import environment, style

_BAR, _WIDTH, _THINNEST = 26, 360, 2  # in the units of the template's SVG
_TONES = {verdict.value: tone for verdict, tone in TONES.items()}


@dataclass(frozen=True, slots=True)
class Bar:
    """`top`, `width`: in units of the chart; `text`: the count, and its share of all files."""

    name: str
    text: str
    tone: str
    top: int
    width: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The counts of one column."""

    name: str
    heading: str
    height: int
    bars: tuple[Bar, ...]


def page(summary: Summary, language: Language = "en") -> str:
    """The page, in the reader's language; paths, codes and verdicts are as in the table."""
    words = messages(language)
    average = summary.seconds / summary.files if summary.files else 0.0
    facts = {
        "source": summary.source,
        "files": f"{summary.files:,}",
        "size": f"{summary.bytes / 1e6:,.1f} MB",
        "examined": f"{summary.reports:,}",
        "not_examined": f"{summary.files - summary.reports:,}",
        "time": f"{summary.seconds:,.0f} s",
        "average": f"{1000 * average:,.1f} ms",
    }
    return (
        environment("service.archives")
        .get_template("archive_summary.html")
        .render(
            summary=summary,
            words=words,
            facts=[(words(f"archive.{name}"), value) for name, value in facts.items()],
            charts=[
                chart(name, words(f"archive.{name}"), summary.counts[name], summary.files)
                for name in COUNTED
                if summary.counts[name] or name == "verdict"
            ],
            tables=[("slowest", summary.slowest), ("sample", summary.sample)],
            policy=POLICY,
            style=Markup(style()),  # noqa: S704 - our own file
        )
    )


def chart(name: str, heading: str, counted: Mapping[str, int], files: int) -> Chart:
    """One bar for each value, as long as its share of all `files`."""
    bars = tuple(
        Bar(
            name=value,
            text=f"{count:,} ({_share(count, files)})",
            tone=_TONES.get(value, "unknown" if name == "error" else "stated"),
            top=_BAR * place,
            width=max(_THINNEST, round(_WIDTH * count / files, 1)),
        )
        for place, (value, count) in enumerate(counted.items())
    )
    return Chart(name, heading, _BAR * len(bars), bars)


def _share(count: int, files: int) -> str:
    share = 100 * count / files
    return f"{share:.1f} %" if share >= 0.1 else "less than 0.1 %"
