"""A held picture with all it takes to go on with it, as one block of bytes and back."""

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from service.gateway.order import Order
from service.generation import Energy, ModelIdentity

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class HeldDraft:
    """A draft that every check but the likeness review has passed: read-only uint8 pixels, H x W x 3.

    `order` leaves nothing open, so it asks for this very picture. `steering` and `energy`: see Draft. The model drew it
    at `drawn_at`, with `adapters`: name and SHA-256 (hex) of the file of each, in the order's order.
    """

    order: Order
    model: ModelIdentity
    drawn_at: dt.datetime
    steering: int
    energy: Energy | None
    rgb: NDArray[np.uint8]
    adapters: tuple[tuple[str, str], ...] = ()

    @property
    def pixels(self) -> str:
        """SHA-256 (hex) over shape and pixels: what a review is about."""
        return hashlib.sha256(f"{self.rgb.shape}".encode() + self.rgb.tobytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """The length of a head in JSON (4 bytes, big-endian), the head, the pixels row by row."""
        head = {
            "order": self.order.model_dump_json(),
            "model": asdict(self.model),
            "drawn_at": self.drawn_at.isoformat(),
            "steering": self.steering,
            "energy": asdict(self.energy) if self.energy else None,
            "shape": self.rgb.shape,
            "adapters": self.adapters,
        }
        text = json.dumps(head).encode()
        return len(text).to_bytes(_LENGTH_BYTES, "big") + text + self.rgb.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "HeldDraft":
        """What `to_bytes` gave. Raises ValueError, KeyError where it is something else."""
        start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
        head = json.loads(data[_LENGTH_BYTES:start])
        return cls(
            order=Order.model_validate_json(head["order"]),
            model=ModelIdentity(**head["model"]),
            drawn_at=dt.datetime.fromisoformat(head["drawn_at"]),
            steering=head["steering"],
            energy=Energy(**head["energy"]) if head["energy"] else None,
            rgb=np.frombuffer(data, np.uint8, offset=start).reshape(head["shape"]),
            adapters=tuple((name, digest) for name, digest in head["adapters"]),
        )
