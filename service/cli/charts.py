"""Charts as inline SVG, and the page that holds them: no script, nothing fetched, light and dark."""

import html
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]

_SIDE, _MARGIN = 260, 44
_STYLE = """
:root { color-scheme: light dark; --a: #3366cc; --b: #cc5533; --line: #8888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr + tr { border-top: 1px solid var(--line); }
figure { display: inline-block; margin: 1rem 1rem 0 0; } svg { width: 21rem; max-width: 100%; }
svg text { fill: currentColor; font-size: 11px; } .frame { fill: none; stroke: var(--line); }
.guide { stroke: var(--line); stroke-dasharray: 4; } polyline { fill: none; stroke-width: 2; }
.c0 { stroke: var(--a); } .c1 { stroke: var(--b); } text.c0 { fill: var(--a); stroke: none; }
text.c1 { fill: var(--b); stroke: none; }
"""


def chart(title: str, across: str, up: str, curves: Mapping[str, Points]) -> str:
    """Curves over the unit square with its diagonal; axis names, a legend in the curves' colours."""
    size = _SIDE + 2 * _MARGIN
    lines = "".join(_curve(points, number) for number, points in enumerate(curves.values()))
    legend = "".join(
        f'<text class="c{number}" x="{_MARGIN + _SIDE - 6}" y="{_MARGIN + _SIDE - 8 - 14 * number}" '
        f'text-anchor="end">{html.escape(name)}</text>'
        for number, name in enumerate(curves)
    )
    middle, bottom = _MARGIN + _SIDE / 2, _MARGIN + _SIDE
    return (
        f'<figure><figcaption>{html.escape(title)}</figcaption><svg viewBox="0 0 {size} {size}" role="img" '
        f'aria-label="{html.escape(title)}"><rect class="frame" x="{_MARGIN}" y="{_MARGIN}" width="{_SIDE}" '
        f'height="{_SIDE}"/><line class="guide" x1="{_MARGIN}" y1="{bottom}" x2="{_MARGIN + _SIDE}" y2="{_MARGIN}"/>'
        f"{_ticks()}{lines}{legend}"
        f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">{html.escape(across)}</text>'
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{html.escape(up)}</text>'
        "</svg></figure>"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def page(title: str, *parts: str) -> str:
    """A whole, self-contained HTML document."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"/><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _curve(points: Points, number: int) -> str:
    drawn = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="c{number}" points="{drawn}"/>'


def _ticks() -> str:
    return "".join(
        f'<text x="{_x(value)}" y="{_y(0) + 16}" text-anchor="middle">{value:g}</text>'
        f'<text x="{_MARGIN - 6}" y="{_y(value) + 4}" text-anchor="end">{value:g}</text>'
        for value in (0, 0.5, 1)
    )


def _x(value: float) -> float:
    return _MARGIN + _SIDE * value


def _y(value: float) -> float:
    return _MARGIN + _SIDE * (1 - value)
