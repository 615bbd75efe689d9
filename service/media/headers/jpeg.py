"""JPEG: ITU-T T.81. Of an MPO the first image."""

import struct

from service.kit.errors import TooLarge
from service.media.headers.header import Counter, Header

_MOST_SEGMENTS = 4_096  # 16 MiB of credentials take 256
_MOST_SCANS = 64  # progressive encoders write about ten; embedded previews add a few
_SCAN = b"\xff\xda"
_START_OF_SCAN, _END = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})  # markers without a length
_SIZE = struct.Struct(">BHHB")


def scan(data: bytes) -> Header:
    if data.count(_SCAN) > _MOST_SCANS:
        raise TooLarge(f"the JPEG has more than {_MOST_SCANS} scans")
    segments = Counter("segments", _MOST_SEGMENTS)
    width = height = components = 0
    coefficients, sampling, at = 0.0, 0.0, 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        segments.add()
        marker = data[at + 1]
        if marker in _ALONE or marker == 0xFF:
            at += 1
            continue
        if marker == _END:
            break
        body, length = at + 4, int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAMES and body + _SIZE.size <= len(data):
            _, height, width, components = _SIZE.unpack_from(data, body)
            sampling = _coefficients(data[body + _SIZE.size : body + _SIZE.size + 3 * components])
            coefficients = sampling if marker in _PROGRESSIVE else 0.0
        elif marker == _START_OF_SCAN:
            if body < len(data) and data[body] < components:  # not all components at once: kept until all are there
                coefficients = sampling
            break
        at += 2 + length
    return Header("JPEG", width, height, (1 if components == 1 else 4) + coefficients)


def _coefficients(components: bytes) -> float:
    """Bytes of 16-bit coefficients for each pixel, by the sampling factors of the components."""
    factors = [(each >> 4, each & 15) for each in components[1::3]]
    most = max((h for h, _ in factors), default=0) * max((v for _, v in factors), default=0)
    return 2 * sum(h * v for h, v in factors) / most if most else 2.0 * len(factors)
