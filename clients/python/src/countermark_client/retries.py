"""When a request is sent again, and after how many seconds."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

RETRIED = frozenset({429, 502, 503, 504})
"""Nothing was done, or (502, 504) the idempotency key keeps it from being done twice."""


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all; `longest`: seconds that one pause lasts at most, whatever the server asks for."""

    attempts: int = 3
    first: float = 0.5
    longest: float = 30.0

    def pause(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Seconds before the attempt after `attempt` (1 is the first)."""
        asked = headers.get("retry-after", "")
        if asked.isdecimal():
            return min(float(asked), self.longest)
        return min(self.first * 2.0 ** (attempt - 1) * random.uniform(0.5, 1), self.longest)
