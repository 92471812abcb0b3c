"""Freshness: when each dataset was last loaded, and whether that is within its service level agreement (SLA)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sluice.contracts.model import Contract
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

# A load that brought nothing but rejects leaves the dataset as old as it was; rows that came again make it fresh.
_NEWEST = """
SELECT dataset, max(published_at), extract(epoch FROM clock_timestamp() - max(published_at)) / 3600
  FROM sluice.loads
 WHERE organization_id = %s AND dataset = ANY(%s) AND published + unchanged > 0 GROUP BY dataset
"""
State = Literal["fresh", "late", "never loaded", "no SLA"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the newest load is (``age_hours``), and how old it may be by the contract (``due_hours``)."""

    due_hours: float | None = None
    loaded_at: datetime | None = None
    age_hours: float | None = None

    @property
    def state(self) -> State:
        if self.age_hours is None:
            return "never loaded"
        if self.due_hours is None:
            return "no SLA"
        return "late" if self.age_hours > self.due_hours else "fresh"

    @property
    def words(self) -> str:
        """The state for people: ``late by 3 h``."""
        return f"late by {_span(self.late_hours)}" if self.state == "late" else self.state

    @property
    def late_hours(self) -> float:
        """Hours since the next load was due; 0 where none is late."""
        if self.age_hours is None or self.due_hours is None:
            return 0.0
        return max(self.age_hours - self.due_hours, 0.0)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready facts, but for the time."""
        return {
            "loaded_at": self.loaded_at,
            "freshness": self.state,
            "due_hours": self.due_hours,
            "late_hours": round(self.late_hours, 2),
        }


def freshness(
    warehouse: Warehouse, contracts: Iterable[Contract], organization_id: int
) -> dict[str, Freshness]:
    """Freshness by dataset, as the organization sees it."""
    due = {contract.dataset: contract.freshness_hours for contract in contracts}
    with translated(), warehouse.connect() as connection:
        rows = connection.execute(_NEWEST, [organization_id, list(due)]).fetchall()
    newest = {dataset: (at, float(age)) for dataset, at, age in rows}
    return {dataset: Freshness(hours, *newest.get(dataset, ())) for dataset, hours in due.items()}


def _span(hours: float) -> str:
    """A length of time in the largest unit that gives at least 1, two for days."""
    if hours < 1:
        return f"{max(int(hours * 60), 1)} min"
    return f"{int(hours)} h" if hours < 48 else f"{int(hours / 24)} days"
