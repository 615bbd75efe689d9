"""When a request is sent again, and after how many seconds."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

RETRIED = frozenset({429, 502, 503, 504})
"""Nothing was done, or (502, 504) the idempotency key keeps it from being done twice."""


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all; `longest`: seconds that one pause may last. A quota that ends tomorrow is not waited for."""

    attempts: int = 3
    first: float = 0.5
    longest: float = 30.0

    def pause(self, attempt: int, headers: Mapping[str, str]) -> float | None:
        """Seconds before the attempt after `attempt` (1 is the first); None if the server asks for too long a pause."""
        if attempt >= self.attempts:
            return None
        asked = headers.get("retry-after", "")
        if asked.isdecimal():
            return float(asked) if float(asked) <= self.longest else None
        return min(self.first * 2.0 ** (attempt - 1) * random.uniform(0.5, 1), self.longest)
