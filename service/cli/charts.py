"""Charts as inline SVG in a self-contained HTML page: no scripts, no external resources, light and dark."""

import html
from collections.abc import Mapping, Sequence

Points = Sequence[tuple[float, float]]

_SIDE, _MARGIN = 260, 52
_STYLE = """
:root { color-scheme: light dark; --a: #3366cc; --b: #cc5533; --line: #8888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr + tr { border-top: 1px solid var(--line); }
figure { display: inline-block; margin: 1rem 1rem 0 0; } svg { width: 21rem; max-width: 100%; }
svg text { fill: currentColor; font-size: 11px; } .frame { fill: none; stroke: var(--line); }
@media (prefers-color-scheme: dark) { :root { --a: #8ab0ff; --b: #ff9d7a; } }
.guide { stroke: var(--line); stroke-dasharray: 4; } polyline, .key { fill: none; stroke-width: 2; }
.c0 { stroke: var(--a); } .c1 { stroke: var(--b); stroke-dasharray: 6 2; }
"""


def chart(title: str, across: str, up: str, curves: Mapping[str, Points]) -> str:
    """Curves over the unit square, with its diagonal."""
    diagonal = f'<line class="guide" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    return _figure(title, across, up, diagonal, curves)


def histogram(title: str, across: str, up: str, classes: Mapping[str, Sequence[float]]) -> str:
    """Outlines of the shares in equal bins over 0..1, scaled so that the highest share fills the height."""
    top = max(max(shares) for shares in classes.values())
    return _figure(title, across, up, "", {name: _steps(shares, top) for name, shares in classes.items()}, top)


def trend(title: str, across: str, up: str, curves: Mapping[str, Points], levels: Sequence[float]) -> str:
    """Curves over 0..1 in x, with horizontal lines at `levels`; the highest point or level fills the height."""
    top = max([*levels, *(y for points in curves.values() for _, y in points)])
    lines = "".join(
        f'<line class="guide" x1="{_x(0)}" y1="{_y(level / top)}" x2="{_x(1)}" y2="{_y(level / top)}"/>'
        for level in levels
    )
    scaled = {name: [(x, y / top) for x, y in points] for name, points in curves.items()}
    return _figure(title, across, up, lines, scaled, top)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def page(title: str, *parts: str) -> str:
    """A complete, self-contained HTML document."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"/><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _curve(points: Points, number: int) -> str:
    coordinates = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="c{number}" points="{coordinates}"/>'


def _figure(title: str, across: str, up: str, behind: str, curves: Mapping[str, Points], top: float = 1) -> str:
    """Curves in a frame with axis names, ticks and a legend; `top` is the value at full height."""
    size = _SIDE + 2 * _MARGIN
    lines = "".join(_curve(points, number) for number, points in enumerate(curves.values()))
    legend = "".join(_key(name, number) for number, name in enumerate(curves))
    return (
        f'<figure><figcaption>{html.escape(title)}</figcaption><svg viewBox="0 0 {size} {size}" role="img" '
        f'aria-label="{html.escape(title)}"><rect class="frame" x="{_x(0)}" y="{_y(1)}" width="{_SIDE}" '
        f'height="{_SIDE}"/>{behind}{_ticks(top)}{lines}{legend}'
        f'<text x="{_x(0.5)}" y="{_y(0) + 34}" text-anchor="middle">{html.escape(across)}</text>'
        f'<text transform="translate(12 {_y(0.5)}) rotate(-90)" text-anchor="middle">{html.escape(up)}</text>'
        "</svg></figure>"
    )


def _key(name: str, number: int) -> str:
    """One entry of the legend, above the frame."""
    x, y = _x(number / 2), _y(1) - 12
    return (
        f'<line class="key c{number}" x1="{x}" y1="{y - 4}" x2="{x + 20}" y2="{y - 4}"/>'
        f'<text x="{x + 26}" y="{y}">{html.escape(name)}</text>'
    )


def _steps(shares: Sequence[float], top: float) -> Points:
    """The outline of a histogram in the unit square, from corner to corner."""
    edges = [number / len(shares) for number in range(len(shares) + 1)]
    roofs = [(x, share / top) for *both, share in zip(edges, edges[1:], shares, strict=False) for x in both]
    return [(0, 0), *roofs, (1, 0)]


def _ticks(top: float) -> str:
    return "".join(
        f'<text x="{_x(value)}" y="{_y(0) + 16}" text-anchor="middle">{value:g}</text>'
        f'<text x="{_MARGIN - 6}" y="{_y(value) + 4}" text-anchor="end">{value * top:.2g}</text>'
        for value in (0, 0.5, 1)
    )


def _x(value: float) -> float:
    return _MARGIN + _SIDE * value


def _y(value: float) -> float:
    return _MARGIN + _SIDE * (1 - value)
