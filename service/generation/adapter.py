"""An adapter that a job uses."""

from dataclasses import dataclass
from pathlib import Path

from service.generation.adapter_files import Kind


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter on the operator's list, with its scale (0 to 2). `digest`: SHA-256 (hex) of `file`."""

    name: str
    kind: Kind
    digest: str
    file: Path
    scale: float = 1.0

    @property
    def word(self) -> str:
        """The token that uses a textual inversion in a prompt."""
        return f"<{self.name}>"
