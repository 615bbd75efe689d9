"""What the SDK says of a file: the part of reading a credential that touches a stranger's bytes.

These functions hold no key of ours, open no file and need no network, so they can run in a process that has none of
them. All have one form: they take the file's bytes, may write into `out`, and return a value that JSON can hold and how
many bytes they wrote. `reader` asks them and judges the answers.

The SDK is locked down: no remote manifests, no OCSP, no redirects. This module imports little: every worker does it.
"""

import functools
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from c2pa import C2paError, Context, Reader

from watermark.c2pa.building import Added, embedded, sdk_signer
from watermark.c2pa.presence import Presence, look
from watermark.c2pa.reading import credential

MAX_THUMBNAILS_BYTES = 16 << 20
"""Bytes of all thumbnails of one file."""

_MAX_THUMBNAILS = 32
_MAX_THUMBNAIL_BYTES = 1 << 20
_MAX_REFUSAL = 2000
_DETACHED = "application/c2pa"

Answer = tuple[dict[str, Any], int]


class Stopped(Exception):
    """There is no answer: the SDK was too slow, needed too much memory, or crashed. The message says which."""


class Sdk(Protocol):
    """Asks one of the functions of this module, here or in another process. Thread-safe."""

    def __call__(
        self, question: str, parts: Sequence[bytes], *, output: int = 0, **options: Any
    ) -> tuple[Mapping[str, Any], bytes]:
        """The function's value, and the bytes that it wrote.

        Args:
            question: `presence`, `read`, `labels`, `crjson`, `thumbnails` or `embed`.
            parts: the function's bytes, in its order.
            output: bytes that it may write at most.
            options: its keyword arguments.

        Raises:
            Stopped: there is no answer.
        """
        ...


def in_process(
    question: str, parts: Sequence[bytes], *, output: int = 0, **options: Any
) -> tuple[Mapping[str, Any], bytes]:
    """An `Sdk` in this process, for files of our own."""
    out = bytearray(output)
    value, written = _QUESTIONS[question](*parts, out=memoryview(out), **options)
    return value, bytes(out[:written])


def presence(data: bytes, *, out: memoryview) -> Answer:
    """What the file carries, as the fields of a `Presence` without its `store`."""
    return _told(look(data)), 0


def read(data: bytes, settings: bytes, manifest: bytes | None = None, *, out: memoryview, mime: str) -> Answer:
    """Everything that the SDK says of the credential in a file, or of a detached `manifest` beside it.

    `settings`: the SDK's, as JSON (see `reader.configuration`). `mime` counts where the bytes do not say what they are.

    Returns `presence`, and if the SDK was asked either `found` (what it found) or `refused` (its words) and, where the
    manifest store can be read without its file, `claimed`. `found` and `claimed` hold the `store`, as `Reader.json()`
    gives it, and `expires`, when the active certificate ends (ISO 8601), of claims of version 1.
    """
    here = look(data)
    told: dict[str, Any] = {"presence": _told(here)}
    if not _to_be_asked(here, manifest):
        return told, 0
    try:
        reader = _open(settings, data, here.mime or mime, manifest)
        if reader is not None:
            with reader:
                told["found"] = _findings(reader)
    except C2paError as refused:
        words = str(refused)[:_MAX_REFUSAL]
        claimed = None if words.startswith("Remote:") else _claimed(settings, here, manifest)
        told |= {"refused": words, "claimed": claimed}
    return told, 0


def labels(data: bytes, settings: bytes, *, out: memoryview, mime: str) -> Answer:
    """The `labels` of the assertions in each manifest, by its id; None if none can be read."""
    reader = _quietly(settings, data, mime, None)
    if reader is None:
        return {"labels": None}, 0
    with reader:
        try:
            manifests = json.loads(reader.detailed_json())["manifests"]
            return {"labels": {name: sorted(manifest["assertion_store"]) for name, manifest in manifests.items()}}, 0
        except (C2paError, ValueError, KeyError, TypeError, AttributeError):
            return {"labels": None}, 0


def crjson(data: bytes, settings: bytes, manifest: bytes | None = None, *, out: memoryview, mime: str) -> Answer:
    """The credential as `crjson`, a text; None if there is none or it cannot be read."""
    reader = _quietly(settings, data, mime, manifest)
    if reader is None:
        return {"crjson": None}, 0
    with reader:
        try:
            return {"crjson": str(reader.crjson())}, 0
        except C2paError:
            return {"crjson": None}, 0


def thumbnails(data: bytes, settings: bytes, manifest: bytes | None = None, *, out: memoryview, mime: str) -> Answer:
    """The `thumbnails` of the manifest store as pairs of place and size; their bytes one after another in `out`."""
    reader = _quietly(settings, data, mime, manifest)
    found, at = list[tuple[str, int]](), 0
    if reader is None:
        return {"thumbnails": found}, 0
    with reader:
        for place in _places(reader):
            one = _resource(reader, place)
            if one is not None and at + len(one) <= len(out):
                out[at : at + len(one)] = one
                found.append((place, len(one)))
                at += len(one)
    return {"thumbnails": found}, at


def embed(
    data: bytes,
    settings: bytes,
    chain: bytes,
    key: bytes,
    definition: bytes,
    *files: bytes,
    out: memoryview,
    mime: str,
    ingredients: Sequence[tuple[str, str]],
) -> Answer:
    """Embed a manifest store into a file of ours, with the manifests of the images that it was made from.

    `chain`, `key`: PEM, of the key that stands in for ours. `definition`: the manifest's, as JSON. `files`: the
    images, and a thumbnail (JPEG) after them, if there is one. `ingredients`: the images' descriptions and MIME types.

    Returns the sizes of the `file` and of its `store`, which stand in `out` one after the other; or what the SDK
    `refused`.
    """
    added = [Added(text, kind, each) for (text, kind), each in zip(ingredients, files, strict=False)]
    thumbnail = files[-1] if len(files) > len(added) else None
    try:
        whole, _ = contexts(settings)
        file, store = embedded(whole, _signer_of(chain, key), json.loads(definition), data, mime, added, thumbnail)
    except C2paError as refused:
        return {"refused": str(refused)[:_MAX_REFUSAL]}, 0
    if len(file) + len(store) > len(out):
        return {"refused": "the file became too large"}, 0
    out[: len(file)] = file
    out[len(file) : len(file) + len(store)] = store
    return {"file": len(file), "store": len(store)}, len(file) + len(store)


_signer_of = functools.lru_cache(maxsize=4)(sdk_signer)

_QUESTIONS: Mapping[str, Callable[..., Answer]] = {
    "presence": presence,
    "read": read,
    "labels": labels,
    "crjson": crjson,
    "thumbnails": thumbnails,
    "embed": embed,
}


@functools.lru_cache(maxsize=4)
def contexts(settings: bytes) -> tuple[Context, Context]:
    """The SDK's contexts for these settings: one that checks identity assertions, and one that does not.

    Made once for each trust list that a process meets. Raises C2paError, ValueError.
    """
    full = json.loads(settings)
    without = {**full, "core": {**full["core"], "decode_identity_assertions": False}}
    return Context.from_dict(full), Context.from_dict(without)


def _told(found: Presence) -> dict[str, Any]:
    return asdict(replace(found, store=None))


def _to_be_asked(found: Presence, manifest: bytes | None) -> bool:
    """Only of a file that carries credential bytes: of a damaged container the SDK says nothing about a credential."""
    return manifest is not None or found.embedded or found.opaque


def _open(settings: bytes, data: bytes, mime: str, manifest: bytes | None) -> Reader | None:
    """A reader; None if the SDK finds no credential. Raises C2paError.

    Identity assertions that cannot be checked without a network fail the whole read, so they are left out then.
    """
    whole, without_identities = contexts(settings)
    try:
        return Reader.try_create(mime, io.BytesIO(data), manifest, context=whole)
    except C2paError as refused:
        if str(refused).startswith("Remote:"):
            raise
        return Reader.try_create(mime, io.BytesIO(data), manifest, context=without_identities)


def _quietly(settings: bytes, data: bytes, mime: str, manifest: bytes | None) -> Reader | None:
    """A reader of the credential; None if there is none or it cannot be read."""
    here = look(data)
    try:
        return _open(settings, data, here.mime or mime, manifest) if _to_be_asked(here, manifest) else None
    except C2paError:
        return None


def _claimed(settings: bytes, here: Presence, manifest: bytes | None) -> dict[str, Any] | None:
    """What a manifest store says that cannot be read in its file."""
    store = manifest or here.store
    if store is None:
        return None
    try:
        reader = _open(settings, b"", _DETACHED if manifest else here.mime or _DETACHED, store)
        if reader is None:
            return None
        with reader:
            return _findings(reader)
    except C2paError:
        return None


def _findings(reader: Reader) -> dict[str, Any]:
    store = json.loads(reader.json())
    manifests, active = store.get("manifests"), store.get("active_manifest")
    old = isinstance(manifests, dict) and (manifests.get(active) or {}).get("claim_version") == 1
    return {"store": store, "expires": _expires(reader.crjson()) if old else None}


def _expires(crjson: str) -> str | None:
    """When the active manifest's certificate ends; crJSON lists that manifest first."""
    try:
        return str(json.loads(crjson)["manifests"][0]["signature"]["certificateInfo"]["validity"]["notAfter"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _places(reader: Reader) -> list[str]:
    """Where the thumbnails of all manifests stand: those of ingredients first."""
    whole = credential(json.loads(reader.json()), {})
    manifests = (whole.active, *whole.manifests)
    wanted = [each.thumbnail for m in manifests for each in m.ingredients] + [m.thumbnail for m in manifests]
    return list(dict.fromkeys(place for place in wanted if place))[:_MAX_THUMBNAILS]


def _resource(reader: Reader, place: str) -> bytes | None:
    out = io.BytesIO()
    try:
        reader.resource_to_stream(place, out)
    except C2paError:
        return None
    return out.getvalue() if out.tell() <= _MAX_THUMBNAIL_BYTES else None
