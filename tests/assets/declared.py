"""Files with metadata of every kind, made by code: what each format's reader must find."""

import io
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from PIL import Image

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
}
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = SOURCE_TYPE + "trainedAlgorithmicMedia"


def packet(inner: str = "", attributes: str = "") -> bytes:
    """An XMP packet with one description of the file."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    body = f'<rdf:Description rdf:about="" {spaces} {attributes}>{inner}</rdf:Description>'
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}">{body}</rdf:RDF></x:xmpmeta>  <?xpacket end="w"?>'
    ).encode()


def source_type(kind: str = "trainedAlgorithmicMedia") -> bytes:
    return packet(attributes=f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}{kind}"')


def picture(mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (16, 16), (90, 120, 50, 255)[: len(mode)])


def saved(form: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    picture(mode).save(out, form, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, last: bool = False) -> bytes:
    """A PNG with more chunks, after its header or (`last`) after its pixels."""
    plain = saved("PNG")
    at = len(plain) - 12 if last else 33
    return plain[:at] + b"".join(chunks) + plain[at:]


def text(keyword: str, value: str, kind: str = "tEXt") -> bytes:
    """A text chunk of any kind; `iTXt+` and `zTXt` are compressed."""
    raw, key = value.encode(), keyword.encode("latin-1") + b"\0"
    if kind == "tEXt":
        return chunk(b"tEXt", key + raw)
    if kind == "zTXt":
        return chunk(b"zTXt", key + b"\0" + zlib.compress(raw))
    flag = kind == "iTXt+"
    return chunk(b"iTXt", key + bytes([flag, 0]) + b"en\0key\0" + (zlib.compress(raw) if flag else raw))


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments: bytes) -> bytes:
    plain = saved("JPEG")
    return plain[:2] + b"".join(segments) + plain[2:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A lossless WebP with more chunks."""
    body = saved("WEBP", lossless=True)[12:]
    body += b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def tiff(tags: Mapping[int, bytes], inner: Mapping[int, bytes] | None = None, order: str = "<") -> bytes:
    """An EXIF block: tags of the first directory and of the Exif directory, all as bytes of type UNDEFINED."""
    header = b"II*\0" if order == "<" else b"MM\0*"
    first = dict(tags)
    if inner is not None:
        first[0x8769] = b"\0\0\0\0"  # filled in below

    def directory(entries: Mapping[int, bytes], at: int, pointer: int) -> bytes:
        head, data = struct.pack(order + "H", len(entries)), b""
        values_at = at + 2 + 12 * len(entries) + 4
        for tag, value in sorted(entries.items()):
            if tag == 0x8769:
                head += struct.pack(order + "HHII", tag, 4, 1, pointer)
                continue
            kind = 7 if tag == 0x9286 else 2
            place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", values_at + len(data))
            head += struct.pack(order + "HHI", tag, kind, len(value)) + place
            data += value if len(value) > 4 else b""
        return head + b"\0\0\0\0" + data

    length = len(directory(first, 8, 0))
    block = header + struct.pack(order + "I", 8) + directory(first, 8, 8 + length)
    return block + (directory(inner, 8 + length, 0) if inner is not None else b"")


def user_comment(raw: bytes, order: str = "<") -> bytes:
    """An EXIF block with a UserComment of these bytes, its prefix included."""
    return tiff({}, {0x9286: raw}, order)


def iim(**datasets: str) -> bytes:
    """IPTC-IIM: `credit` and `program` of the application record."""
    numbers = {"credit": 110, "program": 65, "caption": 120}
    return b"".join(
        struct.pack(">BBBH", 0x1C, 2, numbers[name], len(value.encode())) + value.encode()
        for name, value in datasets.items()
    )


def resource(kind: int, body: bytes) -> bytes:
    """A Photoshop image resource."""
    return b"8BIM" + struct.pack(">H", kind) + b"\0\0" + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)


def gif(*extensions: bytes) -> bytes:
    """A GIF with extensions behind its image."""
    plain = saved("GIF")
    return plain[:-1] + b"".join(extensions) + b";"


def gif_comment(value: bytes) -> bytes:
    blocks = b"".join(bytes([len(value[at : at + 255])]) + value[at : at + 255] for at in range(0, len(value), 255))
    return b"\x21\xfe" + blocks + b"\0"


def gif_xmp(xmp: bytes) -> bytes:
    return b"\x21\xff\x0bXMP DataXMP" + xmp + b"\x01" + bytes(range(255, -1, -1)) + b"\0"


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def heic(exif: bytes = b"", xmp: bytes = b"", *, in_idat: bool = False, prefix: bytes = b"\0\0\0\0") -> bytes:
    """The metadata of an HEIF file: its items, without a picture."""
    bodies = [prefix + exif, xmp]
    info = b"\0\0\0\0" + struct.pack(">H", 2)
    info += box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"Exif\0")
    info += box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 2, 0) + b"mime\0application/rdf+xml\0")
    brand = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(base: int) -> bytes:
        places, at = b"\1\0\0\0\x44\x00" + struct.pack(">H", 2), base
        for number, body in enumerate(bodies, 1):
            places += struct.pack(">HHHHII", number, int(in_idat), 0, 1, at, len(body))
            at += len(body)
        idat = box(b"idat", b"".join(bodies)) if in_idat else b""
        return box(b"meta", b"\0\0\0\0" + box(b"iinf", info) + box(b"iloc", places) + idat)

    if in_idat:
        return brand + meta(0)
    base = len(brand) + len(meta(0)) + 8
    return brand + meta(base) + box(b"mdat", b"".join(bodies))


def stealthy(value: bytes, mark: bytes = b"stealth_pngcomp") -> bytes:
    """A PNG whose alpha channel carries `value`, column by column."""
    message = mark + struct.pack(">I", 8 * len(value)) + value
    bits = np.unpackbits(np.frombuffer(message, np.uint8))
    side = 64
    alpha = np.full(side * side, 255, np.uint8)
    alpha[: len(bits)] = 254 | bits
    pixels = np.full((side, side, 4), 90, np.uint8)
    pixels[..., 3] = alpha.reshape(side, side).T
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG")
    return out.getvalue()
