"""A report as one self-contained HTML page. It requests nothing, runs nothing, and every text in it is escaped."""

import base64
from collections.abc import Iterator, Mapping
from html import escape

from service.cli.provenance_tree import Node, nodes
from service.examiner.report import CONFLICTS, Report

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --quiet: #5b5b66; --line: #d9d9e0; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf1; --paper: #17171a; --quiet: #a4a4b0; --line: #3a3a42; --bad: #ffb4ab; } }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 52rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; border-top: 1px solid var(--line); padding-top: 1rem; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); } li img { max-width: 8rem; display: block; }
.quiet { color: var(--quiet); } .bad { color: var(--bad); }
ul.tree, ul.tree ul { list-style: none; border-left: 2px solid var(--line); padding-left: 1rem; }
"""
# Nothing is fetched or run, whatever a file managed to put into its names.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HEADINGS = {
    "claimed": "Claimed: what the file says of itself",
    "marked": "Marked: what the pixels carry",
    "matched": "Matched: what it looks like",
    "inferred": "Inferred: what classifiers think",
}


def page(report: Report, preview: bytes | None, thumbnails: Mapping[str, bytes]) -> str:
    """The page. `preview`: the image as a JPEG; `thumbnails`: JPEGs by their places in the manifest store."""
    title = f"{report.verdict.value.replace('_', ' ')}: {report.file}"
    body = "\n".join(_body(report, preview, thumbnails))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(report: Report, preview: bytes | None, thumbnails: Mapping[str, bytes]) -> Iterator[str]:
    asset = report.asset
    yield f"<h1>{escape(report.file)}</h1>"
    yield f"<p>Verdict: <strong>{_words(report.verdict.value)}</strong>. Outcome: {_words(report.outcome.value)}.</p>"
    if preview:
        yield f'<figure><img src="{_data(preview)}" alt="The examined image"></figure>'
    yield _list([reason.text for reason in report.reasons])
    if report.conflicts:
        yield "<h2>Conflicts</h2>"
        yield _list([CONFLICTS[code] for code in report.conflicts], "bad")
    for field, lanes in report.by_field().items():
        yield f"<h2>{escape(_HEADINGS.get(field, field))}</h2>"
        yield _list([line for lane, section in lanes for line in lane.lines(section)])
        if limits := [lane.does_not_prove for lane, _ in lanes if lane.does_not_prove]:
            yield f'<p class="quiet">What this does not prove: {escape(" ".join(limits))}</p>'
    if root := nodes(report.claimed):
        yield "<h2>What it was made from, by its credential</h2>"
        yield f'<ul class="tree">{_node(root, thumbnails)}</ul>'
    yield "<h2>The file</h2>"
    size = f"{asset.width} x {asset.height} px, " if asset.width else ""
    yield f"<p>{escape(asset.mime)}, {size}{asset.bytes:,} bytes<br>SHA-256 {asset.sha256}</p>"
    if asset.not_examined:
        yield f"<p>The pixels were not examined: {escape(asset.not_examined)}.</p>"


def _node(node: Node, thumbnails: Mapping[str, bytes]) -> str:
    picture = thumbnails.get(node.thumbnail or "")
    shown = f'<img src="{_data(picture)}" alt="Thumbnail of {escape(node.title)}">' if picture else ""
    mark = ' class="bad"' if node.integrity.value == "altered" else ""
    actions = _list(list(node.actions)) if node.actions else ""
    children = "".join(_node(child, thumbnails) for child in node.children)
    inner = f"<ul>{children}</ul>" if children else ""
    state = f"<span{mark}>{escape(node.state)}</span>"
    return f"<li><strong>{escape(node.title)}</strong> {state}{shown}{actions}{inner}</li>"


def _list(lines: list[str], style: str = "") -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{style}">{items}</ul>' if items else '<p class="quiet">Nothing.</p>'


def _words(value: str) -> str:
    return escape(value.replace("_", " "))


def _data(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
