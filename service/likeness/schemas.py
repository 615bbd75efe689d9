"""The words of consent: subjects, grants, uses, and how their numbers and faces are written."""

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors import DIMENSIONS, Templates

Scope = Literal["portrait", "edit", "style", "commercial"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
State = Literal["live", "revoked", "expired"]
GrantNumber = Annotated[str, Field(pattern=r"^G(-[0-9A-HJKMNP-TV-Z]{4}){4}$")]
"""A grant's number, and nothing that somebody may have put in its place: it is recorded for good."""
LONGEST_GRANT = dt.timedelta(days=366 * 5)

Embedding = NDArray[np.float32]


class _FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True)


class Enrolled(_FrozenModel):
    """A new subject. The PIN is shown this once; with it the person sees and ends what is done with the likeness."""

    subject: str
    pin: str
    templates: int
    protected: bool


class Grant(_FrozenModel):
    """What a subject allowed, and whether it still holds."""

    id: str
    subject: str
    purpose: str
    scopes: list[Scope]
    grantee: str
    created_at: str
    expires_at: str
    revoked_at: str | None
    state: State
    receipt: str = Field(description="JWS, compact; check it with the key at /v1/consent/keys.")
    receipt_digest: str = Field(description="SHA-256 of the receipt, as it stands in manifests.")


class Use(_FrozenModel):
    """An image that was made under a grant."""

    grant: str
    content_id: str
    at: str
    withdrawn_at: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject without what is personal."""

    id: str
    created_at: str
    retain_until: str | None
    protected: bool
    erased_at: str | None


@dataclass(frozen=True, slots=True)
class TemplateIndex:
    """The templates to search, and the subject of each row."""

    templates: Templates
    owners: tuple[str, ...]


def as_text(embedding: Embedding) -> str:
    """An embedding (float32, (128,)) as base64 of little-endian float32."""
    return base64.b64encode(embedding.astype("<f4").tobytes()).decode()


def from_text(text: str) -> Embedding:
    """What `as_text` wrote. Raises ValueError where it is no embedding."""
    embedding = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if embedding.shape != (DIMENSIONS,) or not np.isfinite(embedding).all():
        raise ValueError("no embedding")
    return embedding


def stacked(embeddings: Sequence[Embedding]) -> Embedding:
    """Float32, N x 128; N may be 0."""
    return np.stack(embeddings) if embeddings else np.empty((0, DIMENSIONS), np.float32)
