"""A bucket of tokens, as a value: whoever keeps it, in memory or in the database, counts alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many tokens there were at a time, in seconds of any clock. It is refilled evenly up to its size."""

    tokens: float
    since: float

    def at(self, now: float, per_second: float, most: float) -> "Bucket":
        """The bucket at a later time. A clock that goes back refills nothing."""
        filled = self.tokens + max(0.0, now - self.since) * per_second
        return Bucket(min(most, filled), now)

    def take(self, amount: int, per_second: float) -> tuple["Bucket", float]:
        """The bucket without so many tokens and 0, or as it is and the seconds until there are as many."""
        if self.tokens >= amount:
            return Bucket(self.tokens - amount, self.since), 0.0
        return self, (amount - self.tokens) / per_second
