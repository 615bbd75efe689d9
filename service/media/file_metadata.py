"""Metadata that the gateway writes into its own files: an XMP packet, PNG texts and an EXIF comment.

It goes in while a file is encoded, before it is signed, so the credential's hash covers it. The pixels do not change.
"""

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from PIL import ExifTags, Image

NAMESPACES: Mapping[str, str] = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
}
"""The namespaces of the properties that can be written, by their usual prefix."""

_XMP_TAG = 0x02BC
_PNG_HEADER_BYTES = 33  # signature and IHDR: texts may stand anywhere behind it
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class FileMetadata:
    """What to write. `xmp`: properties by `prefix:name`; `text`: PNG texts (Latin-1) by keyword; `comment`: the EXIF
    UserComment (ASCII) of other formats; in TIFF the ImageDescription, because libtiff writes no Exif directory."""

    xmp: Mapping[str, str] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""

    def __bool__(self) -> bool:
        return bool(self.xmp or self.text or self.comment)

    def packet(self) -> bytes:
        """The XMP packet (ISO 16684-1): every property is an attribute of one description of the file."""
        prefixes = sorted({name.partition(":")[0] for name in self.xmp})
        spaces = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in prefixes)
        values = "".join(f" {name}={quoteattr(_NOT_XML.sub('', value))}" for name, value in self.xmp.items())
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description rdf:about=""{spaces}{values}/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        ).encode()

    def options(self, form: str) -> dict[str, Any]:
        """What Pillow's encoder of a form (`jpeg`, `webp`, `avif`, `tiff`) needs to write it; nothing for `png`."""
        if not self or form == "png":
            return {}
        exif = Image.Exif()
        if form == "tiff":  # the tags are those of the file's own directory
            exif[_XMP_TAG] = self.packet()
            if self.comment:
                exif[ExifTags.Base.ImageDescription] = self.comment
            return {"exif": exif}
        if self.comment:
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0" + self.comment.encode("ascii")
        return {"xmp": self.packet(), **({"exif": exif.tobytes()} if self.comment else {})}

    def into_png(self, data: bytes) -> bytes:
        """A PNG file with the texts and the packet behind its header."""
        if not self:
            return data
        chunks = [_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in self.text.items()]
        if self.xmp:
            chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + self.packet()))
        return data[:_PNG_HEADER_BYTES] + b"".join(chunks) + data[_PNG_HEADER_BYTES:]


NO_METADATA = FileMetadata()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
