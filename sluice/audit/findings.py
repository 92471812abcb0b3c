"""What is wrong with the audit log, and where."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sluice.errors import InputError


@dataclass(frozen=True, slots=True)
class Finding:
    """``seq``: the entry's number in its organization's chain; ``id`` and ``at``: of that entry, if it is there."""

    organization_id: int
    seq: int
    what: str
    id: int | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        where = f"organization {self.organization_id}, entry {self.seq}"
        known = [f"id {self.id}"] if self.id is not None else []
        known += [f"{self.at:%Y-%m-%d %H:%M:%S.%f} UTC"] if self.at else []
        told = f" ({', '.join(known)})" if known else ""
        return f"{where}{told}: {self.what}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self) | {"at": self.at.isoformat() if self.at else None}


class LogBroken(InputError):
    """The audit log is not what was written; ``facts`` has the first finding of each organization."""
