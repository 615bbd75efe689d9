"""The schemas of consent: subjects, grants and uses, and how ids and face embeddings are written as text."""

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors import DIMENSIONS
from service.storage import Scope

__all__ = [
    "LONGEST_GRANT",
    "SCOPES",
    "Embedding",
    "Enrolled",
    "Grant",
    "GrantNumber",
    "NewPin",
    "Scope",
    "State",
    "Subject",
    "Use",
    "as_text",
    "from_text",
    "stacked",
]

SCOPES: tuple[Scope, ...] = get_args(Scope)
State = Literal["live", "revoked", "expired"]
GrantNumber = Annotated[str, Field(pattern=r"^G(-[0-9A-HJKMNP-TV-Z]{4}){4}$")]
"""A grant's id. Nothing else is accepted in its place, because it is recorded for good."""
LONGEST_GRANT = dt.timedelta(days=366 * 5)

Embedding = NDArray[np.float32]


class _FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True)


class Enrolled(_FrozenModel):
    """A new subject. The PIN is shown only once; with it the person sees and ends the use of the likeness."""

    subject: str
    pin: str
    templates: int
    protected: bool


class NewPin(_FrozenModel):
    """A subject's new PIN, shown only once."""

    subject: str
    pin: str


class Grant(_FrozenModel):
    """What a subject allowed, and whether it is still valid. A grantee sees an alias of the subject, one for each
    grantee, which is also in the receipt."""

    id: str
    subject: str
    purpose: str
    scopes: list[Scope]
    grantee: str
    created_at: str
    expires_at: str
    revoked_at: str | None
    state: State
    receipt: str = Field(description="Compact JWS; verify it with the key at /v1/consent/keys.")
    receipt_digest: str = Field(description="SHA-256 of the receipt, as manifests contain it.")


class Use(_FrozenModel):
    """An image that was generated under a grant."""

    grant: str
    content_id: str
    at: str
    withdrawn_at: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject without personal data. Times are RFC 3339, UTC."""

    id: str
    created_at: str
    retain_until: str | None
    protected: bool
    erased_at: str | None


def as_text(embedding: Embedding) -> str:
    """An embedding (float32, (128,)) as base64 of little-endian float32."""
    return base64.b64encode(embedding.astype("<f4").tobytes()).decode()


def from_text(text: str) -> Embedding:
    """The embedding that `as_text` wrote. Raises ValueError for any other text."""
    embedding = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if embedding.shape != (DIMENSIONS,) or not np.isfinite(embedding).all():
        raise ValueError("not an embedding")
    return embedding


def stacked(embeddings: Sequence[Embedding]) -> Embedding:
    """Embeddings as one array: float32, N x 128; N may be 0."""
    return np.stack(embeddings) if embeddings else np.empty((0, DIMENSIONS), np.float32)
