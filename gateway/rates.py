"""How often an organization may ask: a bucket that fills evenly and holds ten seconds' worth."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Rates:
    """``a_minute`` requests of each organization on average; 0: any number."""

    a_minute: int
    _buckets: dict[int, tuple[float, float]] = field(default_factory=dict)

    def allow(self, organization_id: int) -> bool:
        """Take one request of the organization's share; False if it has none left."""
        if not self.a_minute:
            return True
        most, now = max(self.a_minute / 6, 1.0), time.monotonic()
        left, seen = self._buckets.get(organization_id, (most, now))
        left = min(most, left + (now - seen) * self.a_minute / 60)
        self._buckets[organization_id] = (left - 1 if left >= 1 else left, now)
        return left >= 1
