"""The files that a command line names: by themselves, by folders or globs, or as standard input. Content counts."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.cli.files import STDIO, is_url
from service.kit.errors import FileUnreadable
from service.media.headers import SIGNATURE_BYTES, recognised
from watermark.c2pa.presence import sniff

_HEAD_BYTES = 4096  # as much of a file as tells what it is
_BESIDE = ("application/c2pa", "application/zip")  # a credential without its file; an archive of any content


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in folders: `recognises(head)` by the first bytes of a file, and `what` it is called."""

    recognises: Callable[[bytes], bool]
    what: str


IMAGES = Wanted(lambda head: recognised(head[:SIGNATURE_BYTES]), "images")
"""What the classifiers judge."""

EXAMINABLE = Wanted(
    lambda head: recognised(head[:SIGNATURE_BYTES]) or sniff(head) not in (None, *_BESIDE), "files that can be examined"
)
"""Images, and films, sound and documents of the kinds that carry Content Credentials."""


def expand(
    paths: Sequence[str], skip: Callable[[str], None], wanted: Wanted = IMAGES, *, recursive: bool = True
) -> Iterator[str]:
    """The files that paths name, in order. Folders are searched, with their subfolders if `recursive`; globs expanded.

    In folders the content of a file says whether it is wanted, whatever it is called. `skip` is told of every other
    file, and a file or folder whose content cannot be seen counts as wanted, so that reading it says why. So does a
    folder with nothing that is wanted, beside others that have something.

    Raises:
        FileUnreadable: no path has anything that is wanted. Plain files are not checked here, and a glob that matches
            nothing is the name of one, as in a shell.
    """
    found = {path: list(_named(path, skip, wanted, recursive)) for path in paths}
    if not any(found.values()):
        hint = (
            "The content of a file counts, whatever it is called: PNG, JPEG, WebP, AVIF, TIFF and GIF and, for "
            "`verify` and `inspect`, films, sound and documents that carry Content Credentials."
        )
        raise FileUnreadable(f"{paths[0]} contains no {wanted.what}", hint=hint)
    for path in paths:
        yield from found[path] or [path]


def is_expanded(paths: Sequence[str]) -> bool:
    """Whether one of the paths may name other files than itself."""
    return any(map(_is_expanded, paths))


def _named(path: str, skip: Callable[[str], None], wanted: Wanted, recursive: bool) -> Iterator[str]:
    if not _is_expanded(path):
        yield path
        return
    matches = (_is_glob(path) and glob.glob(path, recursive=True)) or [path]  # noqa: PTH207 - absolute and relative
    found: dict[str, None] = {}
    for match in sorted(matches):
        within = _inside(match, skip, wanted, recursive) if Path(match).is_dir() else [match]
        found |= dict.fromkeys(within)  # `**` matches a folder and what is in it
    yield from found


def _is_expanded(path: str) -> bool:
    return path != STDIO and not is_url(path) and (Path(path).is_dir() or _is_glob(path))


def _is_glob(path: str) -> bool:
    return not Path(path).exists() and glob.has_magic(path)


def _inside(folder: str, skip: Callable[[str], None], wanted: Wanted, recursive: bool) -> Iterator[str]:
    """The wanted files of a folder, sorted."""
    for name in sorted(_entries(folder, recursive)):
        if Path(name).is_dir() or is_wanted(name, wanted):  # a folder is among them only if it cannot be opened
            yield name
        else:
            skip(name)


def _entries(folder: str, recursive: bool) -> list[str]:
    """Every file of a folder, and every folder that cannot be opened."""
    closed: list[str] = []
    found: list[str] = []
    for root, folders, names in os.walk(folder, onerror=lambda denied: closed.append(str(denied.filename))):
        found += [str(Path(root, name)) for name in names]
        if not recursive:
            folders.clear()
    return found + closed


def is_wanted(path: str | Path, wanted: Wanted = IMAGES) -> bool:
    """Whether a file's content is wanted, whatever it is called. So is one that cannot be opened."""
    if not Path(path).is_file():  # a pipe or a device would be waited for
        return Path(path).is_symlink()
    try:
        with Path(path).open("rb") as file:
            return wanted.recognises(file.read(_HEAD_BYTES))
    except OSError:
        return True
