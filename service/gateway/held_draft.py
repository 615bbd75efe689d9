"""A held image with everything needed to go on with it, as one block of bytes and back."""

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from service.gateway.order import Order
from service.generation import Energy, Job, ModelIdentity

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class HeldDraft:
    """A draft that passed every check but the likeness review: read-only uint8 pixels, H x W x 3.

    `order` has every default filled in, so it asks for exactly this image. `steering` and `energy`: see Draft.
    `adapters`: name and SHA-256 (hex) of each adapter's file, in the order they were applied.
    """

    order: Order
    model: ModelIdentity
    generated_at: dt.datetime
    steering: int
    energy: Energy | None
    rgb: NDArray[np.uint8]
    adapters: tuple[tuple[str, str], ...] = ()

    @property
    def pixels(self) -> str:
        """SHA-256 (hex) over shape and pixels: what a review refers to."""
        return hashlib.sha256(f"{self.rgb.shape}".encode() + self.rgb.tobytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """The length of a JSON header (4 bytes, big-endian), the header, the pixels row by row."""
        head = {
            "order": self.order.model_dump_json(),
            "model": asdict(self.model),
            "drawn_at": self.generated_at.isoformat(),
            "steering": self.steering,
            "energy": asdict(self.energy) if self.energy else None,
            "shape": self.rgb.shape,
            "adapters": self.adapters,
        }
        text = json.dumps(head).encode()
        return len(text).to_bytes(_LENGTH_BYTES, "big") + text + self.rgb.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "HeldDraft":
        """The inverse of `to_bytes`. Raises ValueError or KeyError for anything else."""
        start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
        head = json.loads(data[_LENGTH_BYTES:start])
        return cls(
            order=Order.model_validate_json(head["order"]),
            model=ModelIdentity(**head["model"]),
            generated_at=dt.datetime.fromisoformat(head["drawn_at"]),
            steering=head["steering"],
            energy=Energy(**head["energy"]) if head["energy"] else None,
            rgb=np.frombuffer(data, np.uint8, offset=start).reshape(head["shape"]),
            adapters=tuple((name, digest) for name, digest in head["adapters"]),
        )


def adapter_digests(job: Job) -> tuple[tuple[str, str], ...]:
    """Name and SHA-256 (hex) of everything that the job puts on the model; an IP-Adapter has no name."""
    named = tuple((adapter.name, adapter.digest) for adapter in job.adapters)
    return (*named, ("", job.references.digest)) if job.references else named
