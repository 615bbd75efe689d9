"""The SDK's part of signing: it builds a manifest store and embeds it, under a key that proves nothing to anybody."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from c2pa import Builder, C2paSignerInfo, Context
from c2pa import Signer as SdkSigner

_THUMBNAIL = "thumbnail.jpg"


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """An image to add as ingredient, with its own manifests: its description (JSON), its MIME type and its bytes."""

    description: str
    mime: str
    data: bytes


def embedded(
    context: Context,
    stand_in: SdkSigner,
    definition: Mapping[str, Any],
    data: bytes,
    mime: str,
    added: Sequence[Added] = (),
    thumbnail: bytes | None = None,
) -> tuple[bytes, bytes]:
    """The file with a manifest store that nobody can verify yet, and that store.

    `definition`: the manifest's, as the SDK has it. `thumbnail`: a JPEG. Raises C2paError.
    """
    out, whole = io.BytesIO(), dict(definition)
    if thumbnail:
        whole["thumbnail"] = {"format": "image/jpeg", "identifier": _THUMBNAIL}
    with Builder(whole, context) as builder:
        if thumbnail:
            builder.add_resource(_THUMBNAIL, io.BytesIO(thumbnail))
        for one in added:
            builder.add_ingredient(one.description, one.mime, io.BytesIO(one.data))
        store = bytes(builder.sign(stand_in, mime, io.BytesIO(data), out))
    return out.getvalue(), store


def sdk_signer(chain: bytes, key: bytes) -> SdkSigner:
    """The SDK's signer for an Ed25519 key (PEM). Raises C2paError."""
    return SdkSigner.from_info(C2paSignerInfo("ed25519", chain, key, None))
