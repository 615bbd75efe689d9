"""XMP packets: the properties of the file itself.

XMP is RDF in XML (ISO 16684-1). Only what the packet says about the file counts: a property inside an ingredient, a
Pantry or a history is about another file, so lists of structures are skipped.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from detectors.declared.metadata import MAX_VALUE, Field

HAS_EXTENDED = "xmpNote:HasExtendedXMP"
"""The property of a JPEG's main packet that names its extension."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LISTS = frozenset({f"{_RDF} Bag", f"{_RDF} Seq", f"{_RDF} Alt"})
_DESCRIPTION, _ROOT, _LI, _VALUE = (f"{_RDF} {name}" for name in ("Description", "RDF", "li", "value"))
_ABOUT, _RESOURCE = f"{_RDF} about", f"{_RDF} resource"
_NOT_PROPERTIES = (_RDF, "http://www.w3.org/XML/1998/namespace")

_PREFIXES: Mapping[str, str] = {
    "iptc.org/std/iptc4xmpext/2008-02-29": "Iptc4xmpExt",
    "iptc.org/std/iptc4xmpcore/1.0/xmlns": "Iptc4xmpCore",
    "ns.adobe.com/photoshop/1.0": "photoshop",
    "ns.adobe.com/xap/1.0": "xmp",
    "ns.adobe.com/xap/1.0/mm": "xmpMM",
    "ns.adobe.com/xmp/note": "xmpNote",
    "ns.adobe.com/tiff/1.0": "tiff",
    "ns.adobe.com/exif/1.0": "exif",
    "purl.org/dc/elements/1.1": "dc",
    "purl.org/dc/terms": "dcterms",
    "www.tc260.org.cn/ns/aigc/1.0": "TC260",
}
"""The usual prefix of each namespace, whose scheme, case and last slash writers vary."""

_MAX_PACKET, _MAX_NODES, _MAX_DEPTH = 4 << 20, 20_000, 40
_PART = 1 << 14
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class _Refused(Exception):
    """The packet defines entities, or is larger or deeper than a real one."""


@dataclass(slots=True)
class _Node:
    name: str
    attributes: Mapping[str, str]
    children: "list[_Node]" = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        return "".join(self.text).strip()[:MAX_VALUE]


def fields(packet: bytes) -> Iterator[Field]:
    """The properties of the file, each value of a list apart; fields of a structure are named `property/field`.

    What stands before an error counts, the rest of the packet does not. Entities are not expanded.
    """
    for rdf in _outermost(_tree(packet[:_MAX_PACKET]), _ROOT):
        described = [node for node in rdf.children if node.name == _DESCRIPTION]
        own = {"", *(node.attributes.get(_ABOUT, "") for node in described[:1])}
        for node in described:
            if node.attributes.get(_ABOUT, "") in own:
                yield from _properties(node)


def _tree(packet: bytes) -> _Node:
    """The packet under a node without a name."""
    top = _Node("", {})
    open_nodes, count = [top], 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MAX_NODES or len(open_nodes) > _MAX_DEPTH:
            raise _Refused
        node = _Node(name, attributes)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def text(part: str) -> None:
        open_nodes[-1].text.append(part)

    def refuse(*_definition: object) -> None:
        raise _Refused

    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_nodes.pop()
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = refuse
    with contextlib.suppress(expat.ExpatError, _Refused):
        for part in _parts(_decoded(packet).encode()):
            parser.Parse(part)
    return top


def _parts(packet: bytes) -> Iterator[bytes]:
    """A handler that raises ends the part at hand, not all of a long packet."""
    yield from (packet[at : at + _PART] for at in range(0, len(packet), _PART))


def _decoded(packet: bytes) -> str:
    """XMP is UTF-8 in most files; UTF-16 and UTF-32 are allowed, with or without a byte order mark."""
    start = packet.lstrip(b"\xef\xbb\xbf\xff\xfe")[:4] if packet[:1] in (b"\xff", b"\xfe", b"\xef") else packet[:4]
    encodings = {b"<\0\0\0": "utf-32-le", b"\0\0\0<": "utf-32-be"}
    encoding = encodings.get(start) or {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(start[:2], "utf-8")
    return _NOT_XML.sub("", packet.decode(encoding, "replace").lstrip("\ufeff").strip())


def _outermost(node: _Node, name: str) -> Iterator[_Node]:
    """The nodes of that name that are in no other of that name."""
    for child in node.children:
        if child.name == name:
            yield child
        else:
            yield from _outermost(child, name)


def _properties(described: _Node, prefix: str = "") -> Iterator[Field]:
    for attribute, value in described.attributes.items():
        if not attribute.startswith(_NOT_PROPERTIES) and " " in attribute:
            yield Field("xmp", prefix + _named(attribute), value.strip()[:MAX_VALUE])
    for child in described.children:
        if child.name != _VALUE:
            yield from _property(child, prefix)


def _property(node: _Node, prefix: str) -> Iterator[Field]:
    name = prefix + _named(node.name)
    for value in _values(node):
        yield Field("xmp", name, value)
    if not prefix:  # one level: deeper structures declare nothing
        inner = [child for child in node.children if child.name == _DESCRIPTION]
        if inner or not any(child.name in _LISTS for child in node.children):
            for structure in inner or [node]:
                yield from _properties(structure, f"{name}/")


def _values(node: _Node) -> Iterator[str]:
    if _RESOURCE in node.attributes:
        yield node.attributes[_RESOURCE].strip()
    elif not node.children:
        yield node.value
    for child in node.children:
        if child.name in _LISTS:
            for item in child.children:
                yield from _values(item)
        elif child.name == _VALUE:
            yield child.value
        elif child.name == _DESCRIPTION:
            yield from (inner.value for inner in child.children if inner.name == _VALUE)


def _named(name: str) -> str:
    """`prefix:name` for a known namespace, otherwise `{namespace}name`."""
    uri, _, local = name.rpartition(" ")
    prefix = _PREFIXES.get(re.sub(r"^https?://", "", uri.casefold()).rstrip("/#"))
    return f"{prefix}:{local}" if prefix else f"{{{uri}}}{local}"
