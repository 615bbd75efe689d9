"""The provenance tree for a terminal."""

from rich.text import Text
from rich.tree import Tree

from service.cli.text import printable
from service.presentation.provenance_tree import Node
from watermark.c2pa.status import Integrity

_COLOURS = {Integrity.ALTERED: "red", Integrity.MALFORMED: "yellow", Integrity.UNREADABLE: "yellow"}


def tree(node: Node) -> Tree:
    """The tree for a terminal."""
    drawn = Tree(_label(node))
    _grow(drawn, node)
    return drawn


def _grow(drawn: Tree, node: Node) -> None:
    for action in node.actions:
        drawn.add(Text(printable(action), "dim"))
    for child in node.children:
        _grow(drawn.add(_label(child)), child)


def _label(node: Node) -> Text:
    colour = _COLOURS.get(node.integrity, "")
    return Text(printable(node.title), "bold").append(printable(f" {node.state}"), f"not bold {colour}")
