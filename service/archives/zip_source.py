"""Zip archives. Members are listed by their central directory and each is read where it lies; nothing is extracted."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from service.archives.bounded_file import BoundedFile
from service.archives.entry import Entry, Fault, Method, Packed
from service.archives.packing_limits import PackingLimits, too_many_members
from service.archives.source import Files
from service.kit.errors import BrokenArchive, FileUnreadable, UnsupportedFormat
from service.media.isolation.parsers import INFLATE, Parsers

_DIRECTORY_ENTRY = 512  # bytes of the directory that a member may have: a name, and what programs add to it
_TAIL = 1 << 18  # the end of the directory, with a comment of 64 KiB
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature; lengths of name and extra field (APPNOTE 4.3.7)
_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1
_METHODS: Mapping[int, Method] = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}
_OVERHEAD = 1 << 12  # bytes by which Deflate may enlarge a file, beside a small share of it
_MEMORY = 1 << 20  # that unpacking needs beside the file
_DAMAGED = (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, EOFError, RuntimeError)


class ZipSource:
    """The members of a zip archive that are files, in the order of its directory."""

    def __init__(self, files: Files, max_members: int) -> None:
        self._files = files
        self._max_members = max_members

    def entries(self) -> Iterator[Entry]:
        with self._files.open() as file:
            size = file.seek(0, os.SEEK_END)
            bounded = BoundedFile(file, max(_TAIL, self._max_members * _DIRECTORY_ENTRY))
            try:
                members = zipfile.ZipFile(bounded).infolist()
            except _DAMAGED as damaged:
                raise BrokenArchive(f"{self._files.name} is a damaged zip archive") from damaged
        if len(members) > self._max_members:
            raise too_many_members(self._max_members)
        limits = PackingLimits(size)
        members.reverse()
        while members:  # each is given up once it is listed
            member = members.pop()
            if not member.is_dir():
                yield _entry(member, limits)

    def read(self, entry: Entry, limit: int, parsers: Parsers, seconds: float | None) -> bytes:
        packed, size = _place(entry)
        header = self._files.read("", packed.start, _LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_SIGNATURE):
            raise BrokenArchive("the file is not where the archive's directory says")
        _, name, extra = _LOCAL_HEADER.unpack(header)
        data = self._files.read("", packed.start + _LOCAL_HEADER.size + name + extra, packed.length)
        if packed.method == "deflated":
            data = parsers.run(INFLATE, [data], memory=_MEMORY, output=size, seconds=seconds).out
        if len(data) != size or zlib.crc32(data) != packed.crc32:
            raise BrokenArchive("the file is damaged inside the archive")
        return data


def _place(entry: Entry) -> tuple[Packed, int]:
    if entry.packed is None or entry.size is None:
        raise FileUnreadable("the listing does not say where the file is")
    return entry.packed, entry.size


def _entry(member: zipfile.ZipInfo, limits: PackingLimits) -> Entry:
    method = _METHODS.get(member.compress_type)
    fault = limits.fault(member.compress_size, member.file_size)
    if method is None:
        fault = Fault.of(UnsupportedFormat("the file is packed by a method other than Deflate"))
    elif member.flag_bits & _ENCRYPTED:
        fault = Fault.of(UnsupportedFormat("the file is encrypted in the archive"))
    elif member.compress_size > member.file_size + (member.file_size >> 6) + _OVERHEAD:
        fault = Fault.of(BrokenArchive("the archive's directory contradicts itself about the file"))
    place = Packed(member.header_offset, member.compress_size, method or "stored", member.CRC)
    return Entry(member.filename, member.file_size, place, fault)
